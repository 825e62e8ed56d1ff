import type { DeadLetters } from '@tocsin/contracts/ports';
import { MetricsWatch, type Metrics } from '@tocsin/observability';

/**
 * Keeps the metrics of the dead letters: how many are open and the age of the oldest. Every gateway reports the same
 * numbers, so do not add them up. While the database is unavailable the metrics are absent rather than stale.
 */
export class DeadLetterWatch extends MetricsWatch {
  private known = new Set<string>();

  constructor(
    private readonly deadLetters: Pick<DeadLetters, 'depth'>,
    private readonly metrics: Pick<Metrics, 'deadLetters' | 'deadLetterOldestAge'>,
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  override async look(): Promise<void> {
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
