import type { AnnouncementLog } from '@tocsin/contracts/ports';

/** Tells an outage of the hints once when it begins and once when it is over, and counts the returns. */
export class HintOutage {
  private out = false;

  constructor(
    /** The line of the log when none arrive: it says why, and stands whole in the adapter, where a search finds it. */
    private readonly line: string,
    private readonly returns: { inc(): void },
    private readonly log: AnnouncementLog,
  ) {}

  /** Notes whether hints arrive now. May be told the same again. */
  note(arriving: boolean): void {
    if (arriving !== this.out) return;
    this.out = !arriving;
    if (this.out) return this.log.warn({}, this.line);
    this.returns.inc();
    this.log.info({}, 'hints arrive again');
  }
}
