import type { DeliveryQueue } from '@tocsin/contracts/ports';
import { CHANNELS } from '@tocsin/contracts/wire';
import { MetricsWatch, type Metrics } from '@tocsin/observability';

/**
 * Updates the metrics of due deliveries. Every notifier reports the same numbers, so do not add them up. While the
 * store is unreachable, the metrics are absent instead of stale.
 */
export class DepthWatch extends MetricsWatch {
  constructor(
    private readonly queue: Pick<DeliveryQueue, 'depth'>,
    private readonly metrics: Pick<Metrics, 'deliveriesDue' | 'deliveryOldestDueAge'>,
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  override async look(): Promise<void> {
    const { deliveriesDue, deliveryOldestDueAge } = this.metrics;
    try {
      const depth = new Map((await this.queue.depth()).map((one) => [one.channel, one]));
      for (const channel of CHANNELS) {
        const { due = 0, oldest_due_at = null } = depth.get(channel) ?? {};
        deliveriesDue.set({ channel }, due);
        const ageMs = oldest_due_at === null ? 0 : this.now() - Date.parse(oldest_due_at);
        deliveryOldestDueAge.set({ channel }, Math.max(0, ageMs) / 1000);
      }
    } catch {
      deliveriesDue.reset();
      deliveryOldestDueAge.reset();
    }
  }
}
