import type { QueueDepths } from '@tocsin/contracts/ports';
import { MetricsWatch, type Metrics } from '@tocsin/observability';

/**
 * Keeps the metrics of a queue whose length has a bound: how many messages are in its parts, and whether it is full. An
 * engine that tells this by itself (RabbitMQ) is not asked. While the engine is away the metrics are absent rather than
 * stale.
 */
export class QueueWatch extends MetricsWatch {
  constructor(
    private readonly depths: QueueDepths,
    private readonly metrics: Pick<Metrics, 'queueMessages' | 'intakeBlocked'>,
  ) {
    super();
  }

  override async look(): Promise<void> {
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
