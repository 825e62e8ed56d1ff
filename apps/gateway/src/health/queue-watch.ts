import type { QueueDepths } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';

/** How often the engine is asked: often enough for an alarm, and independent of how often the metrics are read. */
const LOOK_EVERY_MS = 15_000;

/**
 * Keeps the metrics of a queue whose length has a bound: how many messages are in its parts, and whether it is full. An
 * engine that tells this by itself (RabbitMQ) is not asked. While the engine is away the metrics are absent rather than
 * stale.
 */
export class QueueWatch {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly depths: QueueDepths,
    private readonly metrics: Pick<Metrics, 'queueMessages' | 'intakeBlocked'>,
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
    const { queueMessages, intakeBlocked } = this.metrics;
    try {
      const isFull = await this.depths.isFull();
      if (isFull === null) return this.stop();
      const parts = await this.depths.read();
      for (const { queue, kind, messages } of parts) queueMessages.set({ queue, kind }, messages);
      intakeBlocked.set(Number(isFull));
    } catch {
      queueMessages.reset();
      intakeBlocked.remove(); // A reset would set it to 0, which means that messages are taken.
    }
  }
}
