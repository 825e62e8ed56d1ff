import { randomBytes, randomUUID } from 'node:crypto';
import type { ValidMessage } from '../valid-message';
import { eventNameOf, filterFieldsOf, renderData, type PlannedEvent } from '../event';
import type { PlannedDelivery } from '../delivery';
import type { PublishedHint } from '../ports';
import type { TenantId } from '../tenant';
import type { Entry } from '../wire';

/** A tenant id by its type. Without a name it is a fresh one, so that tests in a shared store never meet. */
export const aTenant = (name: string = `tenant-${randomBytes(6).toString('hex')}`): TenantId => name as TenantId;

/** A valid message with a fresh id. The test overrides the fields that matter to it. */
export function anAlert(overrides: Partial<ValidMessage> = {}): ValidMessage {
  return {
    tenant_id: aTenant('bakery'),
    service: 'inventory',
    severity: 'urgent',
    id: randomUUID(),
    type: 'alert',
    name: 'low_stock',
    title: 'Flour is running low',
    message: 'Only 2 kg left',
    status: 'firing',
    occurred_at: '2026-01-02T03:04:05.678Z',
    labels: { site: 'north' },
    actions: [{ label: 'Order', url: 'https://example.com/order' }],
    metadata: { stock: 2 },
    schema_version: 1,
    ...overrides,
  };
}

/**
 * The planned event of such a message: no deliveries, and the id as the hash of the body, unless the test overrides
 * them.
 */
export function aPlannedEvent(
  overrides: Partial<ValidMessage> = {},
  plan: {
    body_hash?: string;
    trace_id?: string | null;
    span_id?: string;
    deliveries?: readonly PlannedDelivery[];
  } = {},
): PlannedEvent {
  const message = anAlert(overrides);
  return {
    message,
    body_hash: plan.body_hash ?? message.id,
    trace_id: plan.trace_id ?? null,
    span_id: plan.span_id,
    deliveries: plan.deliveries ?? [],
  };
}

/** A stored entry, as the event log returns it for `anAlert()`. */
export function anEntry(overrides: Partial<Entry> = {}): Entry {
  const { tenant_id, service, severity, id, type, title, labels, actions, metadata } = anAlert();
  return {
    tenant_id,
    seq: 1,
    event_id: id,
    alert_id: randomUUID(),
    change: 'raised',
    status: 'firing',
    severity,
    previous: null,
    type,
    service,
    name: 'low_stock',
    title,
    message: null,
    occurrences: 1,
    folded: 0,
    occurred_at: null,
    received_at: '2026-01-02T03:04:06.000Z',
    dedup_key: null,
    first_seen_at: '2026-01-02T03:04:06.000Z',
    last_seen_at: '2026-01-02T03:04:06.000Z',
    labels,
    actions,
    metadata,
    assignee: null,
    snoozed_until: null,
    actor: null,
    note: null,
    trace_id: null,
    ...overrides,
  };
}

/** The hint of such an entry. */
export function aHint(overrides: Partial<Entry> = {}, epoch = 'e1', fp = 'abcdefgh'): PublishedHint {
  const entry = anEntry(overrides);
  return {
    tenant_id: aTenant(entry.tenant_id),
    epoch,
    seq: entry.seq,
    fp,
    prev_fp: 'zyxwvuts',
    event: eventNameOf(entry),
    filter: filterFieldsOf(entry),
    data: Buffer.from(renderData(entry)),
  };
}
