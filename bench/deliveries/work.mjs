// What every contender does, in the same amount.
import { randomUUID } from 'node:crypto';

export const CHANNELS = ['email', 'sms', 'webhook', 'push'];
export const BATCH = 500;

/** What the job of a peer carries: names only. Tocsin's claims return the whole entry that is to be told. */
export const payloads = (count, tenants) =>
  Array.from({ length: count }, (_, at) => ({
    tenant_id: `tenant-${Math.floor(at / CHANNELS.length) % tenants}`,
    delivery_id: randomUUID(),
    channel: CHANNELS[at % CHANNELS.length],
    recipient: 'ana@example.com',
  }));

/** An alert that rings, as the processor stores it. */
export function plannedEvent(tenant, deliveries) {
  const id = randomUUID();
  const message = {
    tenant_id: `tenant-${tenant}`,
    service: 'inventory',
    severity: 'high',
    id,
    type: 'alert',
    name: 'low_stock',
    title: 'Flour is running low',
    message: 'Only 2 kg are left in the northern store.',
    status: 'firing',
    occurred_at: new Date().toISOString(),
    labels: { site: 'north' },
    actions: [{ label: 'Order', url: 'https://example.com/order' }],
    metadata: { stock: 2 },
    schema_version: 1,
  };
  return { message, body_hash: id, trace_id: null, deliveries };
}
