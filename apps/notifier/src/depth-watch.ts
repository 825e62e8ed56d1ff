import type { DeliveryQueue } from '@tocsin/contracts/ports';
import { CHANNELS } from '@tocsin/contracts/wire';
import type { Metrics } from '@tocsin/observability';

/** How often the queue is read, in milliseconds: often enough for an alarm. Scrapes of the metrics read no queue. */
const LOOK_EVERY_MS = 15_000;

/**
 * Updates the metrics of due deliveries. Every notifier reports the same numbers, so do not add them up. While the
 * store is unreachable, the metrics are absent instead of stale.
 */
export class DepthWatch {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly queue: Pick<DeliveryQueue, 'depth'>,
    private readonly metrics: Pick<Metrics, 'deliveriesDue' | 'deliveryOldestDueAge'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Reads at once and then periodically. May be called twice. */
  start(): void {
    if (this.timer) return;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
    void this.look();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Reads once and updates the metrics. Never rejects. */
  async look(): Promise<void> {
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
