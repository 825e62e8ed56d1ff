import type { DeadLetters } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';

/**
 * How often the database is read. This is often enough for an alarm, and costs one small query each time, independent
 * of how often the metrics are read.
 */
const LOOK_EVERY_MS = 15_000;

/**
 * Keeps the metrics of the dead letters: how many are open and the age of the oldest. Every gateway reports the same
 * numbers, so do not add them up. While the database is unavailable the metrics are absent rather than stale.
 */
export class DeadLetterWatch {
  private timer: NodeJS.Timeout | undefined;
  private known = new Set<string>();

  constructor(
    private readonly deadLetters: Pick<DeadLetters, 'depth'>,
    private readonly metrics: Pick<Metrics, 'deadLetters' | 'deadLetterOldestAge'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Reads at once and then periodically. May be called twice. */
  start(): void {
    if (this.timer) return;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.timer.unref();
    void this.look();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Reads once and updates the metrics. Never rejects. */
  async look(): Promise<void> {
    const { deadLetters, deadLetterOldestAge } = this.metrics;
    try {
      const depth = await this.deadLetters.depth();
      // A reason that has no open letter any more is set to 0, so that an alarm on it ends.
      for (const { reason } of depth) this.known.add(reason);
      for (const reason of this.known)
        deadLetters.set({ reason }, depth.find((one) => one.reason === reason)?.letters ?? 0);
      const oldest = Math.min(...depth.map(({ oldest: since }) => Date.parse(since)));
      deadLetterOldestAge.set(depth.length === 0 ? 0 : Math.max(0, (this.now() - oldest) / 1000));
    } catch {
      deadLetters.reset();
      deadLetterOldestAge.remove(); // A reset would set it to 0, which means that no letter is open.
    }
  }
}
