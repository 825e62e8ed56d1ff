import type { AnnouncementLog } from '@tocsin/contracts/ports';

/** Tells an outage of the hints once when it begins and once when it is over, and counts the returns. */
export class HintOutage {
  /** The line that was told; undefined while hints arrive. */
  private told: string | undefined;

  constructor(
    /** The line of the log when none arrive: it says why, and stands whole in the adapter, where a search finds it. */
    private readonly line: string,
    private readonly returns: { inc(): void },
    private readonly log: AnnouncementLog,
  ) {}

  /**
   * Notes whether hints arrive now. May be told the same again. `line`: why they do not, where that is not the usual
   * cause, with its `fields`.
   */
  note(arriving: boolean, line = this.line, fields: object = {}): void {
    const told = arriving ? undefined : line;
    if (told === this.told) return;
    this.told = told;
    if (told) return this.log.warn(fields, told);
    this.returns.inc();
    this.log.info({}, 'hints arrive again');
  }
}
