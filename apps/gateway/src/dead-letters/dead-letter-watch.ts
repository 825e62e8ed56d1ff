import type { DeadLetters } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';

/** Often enough for an alarm, and one small question to the database each time, however often the metrics are read. */
const LOOK_EVERY_MS = 15_000;

/**
 * Keeps the metrics of the dead letters: how many are open, and for how long the oldest has been. Every gateway tells the
 * same numbers, so they are not to be added up. While the database is away they are absent rather than old.
 */
export class DeadLetterWatch {
  private timer: NodeJS.Timeout | undefined;
  private known = new Set<string>();

  constructor(
    private readonly deadLetters: Pick<DeadLetters, 'depth'>,
    private readonly metrics: Pick<Metrics, 'deadLetters' | 'deadLetterOldestAge'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Looks at once and from then on. May be called twice. */
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

  /** Never rejects. */
  async look(): Promise<void> {
    const { deadLetters, deadLetterOldestAge } = this.metrics;
    try {
      const depth = await this.deadLetters.depth();
      // a reason that had letters and has none any more is at 0: an alarm on it ends
      for (const { reason } of depth) this.known.add(reason);
      for (const reason of this.known)
        deadLetters.set({ reason }, depth.find((one) => one.reason === reason)?.letters ?? 0);
      const oldest = Math.min(...depth.map(({ oldest: since }) => Date.parse(since)));
      deadLetterOldestAge.set(depth.length === 0 ? 0 : Math.max(0, (this.now() - oldest) / 1000));
    } catch {
      deadLetters.reset();
      deadLetterOldestAge.remove(); // reset would make it 0, which means that there are none
    }
  }
}
