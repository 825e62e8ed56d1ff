import { Refused } from '@tocsin/contracts';

/** The share of the memory for requests whose credential is still unknown, because it is in the body. */
const BEFORE_CREDENTIAL = 0.25;

/** Counts the bytes of request bodies that the process holds at once, and limits them. */
export class BodyMemory {
  private used = 0;
  private unproven = 0;

  constructor(readonly maxBytes: number) {}

  get held(): number {
    return this.used;
  }

  /** Opens the account of one request, with no bytes yet. `proven`: its credential has been checked. */
  open(proven: boolean): HeldBody {
    let bytes = 0;
    return {
      take: (more) => {
        const tooMuch =
          this.used + more > this.maxBytes || (!proven && this.unproven + more > this.maxBytes * BEFORE_CREDENTIAL);
        if (tooMuch) throw new Refused('overloaded', 'The gateway has reached its limit of request body bytes.');
        bytes += more;
        this.used += more;
        if (!proven) this.unproven += more;
      },
      giveBack: () => {
        this.used -= bytes;
        if (!proven) this.unproven -= bytes;
        bytes = 0;
      },
    };
  }
}

export interface HeldBody {
  /** Adds bytes to the account. Throws `Refused` (`overloaded`) when the memory is used up. */
  take(bytes: number): void;
  /** Gives all bytes of the request back. May be called twice. */
  giveBack(): void;
}
