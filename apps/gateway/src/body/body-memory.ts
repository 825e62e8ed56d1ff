import { Refused } from '@tocsin/contracts';

/** The part of all that those may take together whose credential is not known yet, because it stands in the body. */
const BEFORE_CREDENTIAL = 0.25;

/** The bytes of request bodies that the process holds at once, and the most that it may. */
export class BodyMemory {
  private used = 0;
  private unproven = 0;

  constructor(readonly maxBytes: number) {}

  get held(): number {
    return this.used;
  }

  /** One request's share, empty at first. */
  open(proven: boolean): HeldBody {
    let bytes = 0;
    return {
      take: (more) => {
        const tooMuch =
          this.used + more > this.maxBytes || (!proven && this.unproven + more > this.maxBytes * BEFORE_CREDENTIAL);
        if (tooMuch) throw new Refused('overloaded', 'The gateway holds as many bytes of bodies as it may.');
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
  /** Throws `Refused` (`overloaded`) when there is no room. */
  take(bytes: number): void;
  /** All of it. May be called twice. */
  giveBack(): void;
}
