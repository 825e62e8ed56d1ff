import { hintOf } from '@tocsin/contracts';
import type { AppendedEvent, EventBus } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';

/**
 * Has entries appended that are due by time, a portion at a time until nothing is, and tells the gateways of them as whoever
 * appends does. What the bus does not take is counted: the gateways' look at the log finds it.
 */
export async function appendDue(
  append: () => Promise<AppendedEvent[]>,
  eventBus: EventBus,
  metrics: Metrics,
  signal?: AbortSignal,
): Promise<void> {
  for (let appended = await append(); appended.length > 0; appended = await append()) {
    try {
      await eventBus.publish(appended.map((event) => ({ tenant_id: event.tenant_id, ...hintOf(event) })));
      for (const { tenant_id } of appended) metrics.countPublished(tenant_id);
    } catch {
      metrics.publishFailures.inc();
    }
    if (signal?.aborted) return;
  }
}
