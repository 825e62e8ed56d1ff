import type { Hint } from '@tocsin/contracts';

/**
 * Entries that wait to leave together: those of one turn of the event loop, or, while the process is busy, those of the time in
 * which they are joined.
 */
export class JoinedEntries {
  private waiting: Hint[] = [];
  private timer: NodeJS.Timeout | undefined;
  private takenAt = -Infinity;

  constructor(
    /** How long to wait after the last time, in milliseconds; 0 when the process has time to spare. */
    private readonly joinMs: () => number,
    /** Called when it is time to take them; they may be taken before. */
    private readonly onDue: () => void,
  ) {}

  add(hint: Hint): void {
    if (this.waiting.push(hint) === 1) this.schedule();
  }

  /** What waits, and is then written; undefined when nothing does. */
  take(): Hint[] | undefined {
    if (this.waiting.length === 0) return undefined;
    const hints = this.waiting;
    this.waiting = [];
    this.takenAt = performance.now();
    return hints;
  }

  close(): void {
    clearTimeout(this.timer);
  }

  /** At the end of this turn; while the process is busy, not sooner than a while after the last time. */
  private schedule(): void {
    const waitMs = this.takenAt + this.joinMs() - performance.now();
    if (waitMs > 0) this.timer = setTimeout(this.onDue, waitMs);
    else setImmediate(this.onDue);
  }
}
