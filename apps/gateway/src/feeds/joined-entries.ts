import type { Hint } from '@tocsin/contracts';

/**
 * Collects entries that are written together: those of one turn of the event loop or, while the process is busy, those
 * that arrive within the join delay.
 */
export class JoinedEntries {
  private waiting: Hint[] = [];
  private timer: NodeJS.Timeout | undefined;
  private takenAt = -Infinity;

  constructor(
    /** How long to wait after the last write, in milliseconds; 0 when the process has time to spare. */
    private readonly joinMs: () => number,
    /** Called when the entries are due; they may be taken earlier. */
    private readonly onDue: () => void,
  ) {}

  add(hint: Hint): void {
    if (this.waiting.push(hint) === 1) this.schedule();
  }

  /** Takes the entries that wait, for the caller to write; undefined when there are none. */
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

  /**
   * Schedules a write at the end of this turn or, while the process is busy, not before the join delay has passed since
   * the last write.
   */
  private schedule(): void {
    const waitMs = this.takenAt + this.joinMs() - performance.now();
    if (waitMs > 0) this.timer = setTimeout(this.onDue, waitMs);
    else setImmediate(this.onDue);
  }
}
