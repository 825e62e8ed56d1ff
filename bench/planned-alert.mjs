// An alert as the processor plans it, for benches of what comes after.
import { randomUUID } from 'node:crypto';

/** A new alert of a tenant with a fresh id: a message of 200 to 300 bytes. `more`: further fields of it. */
export function plannedAlert(tenant_id, { deliveries = [], ...more } = {}) {
  const id = randomUUID();
  const message = {
    tenant_id,
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
    ...more,
  };
  return { message, body_hash: id, trace_id: null, deliveries };
}
