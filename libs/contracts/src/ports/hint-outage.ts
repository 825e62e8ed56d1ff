import type { AnnouncementLog } from './announce-entries';

/** Tells an outage of the hints once when it begins and once when it is over, and counts the returns. */
export class HintOutage {
  private out = false;

  constructor(
    /** Why none arrive: `Redis is away`. */
    private readonly reason: string,
    private readonly returns: { inc(): void },
    private readonly log: AnnouncementLog,
  ) {}

  /** Notes whether hints arrive now. May be told the same again. */
  note(arriving: boolean): void {
    if (arriving !== this.out) return;
    this.out = !arriving;
    if (this.out) return this.log.warn({}, `hints do not arrive: ${this.reason}`);
    this.returns.inc();
    this.log.info({}, 'hints arrive again');
  }
}
