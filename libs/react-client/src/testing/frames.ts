import type { ConnectionFrame, Entry, TenantVerdict } from '@tocsin/contracts/wire';
import type { OpenStream } from './scripted-fetch';

export const cursorAt = (seq: number): string => `e1-${seq}-${seq === 0 ? '0' : 'abcdefgh'}`;

export function connection(
  verdict: TenantVerdict['verdict'] = 'fresh',
  more: Partial<TenantVerdict> = {},
): ConnectionFrame {
  return {
    verdict,
    tenants: [
      { tenant_id: 'bakery', name: 'Bakery', verdict, missed: 0, reason: null, behind: 0, searched: null, ...more },
    ],
    heartbeat_ms: 15_000,
    server_time: new Date().toISOString(),
  };
}

export const heartbeat = (uncheckedMs = 0) => ({
  server_time: new Date().toISOString(),
  checked_at: new Date(Date.now() - uncheckedMs).toISOString(),
});

/** An entry that raises an alert of its own. */
export function anEntry(seq: number, overrides: Partial<Entry> = {}): Entry {
  const at = new Date(Date.UTC(2026, 0, 1) + seq * 1_000).toISOString();
  return {
    tenant_id: 'bakery',
    seq,
    event_id: `event-${seq}`,
    alert_id: `alert-${String(seq).padStart(6, '0')}`,
    change: 'raised',
    status: 'firing',
    severity: 'high',
    previous: null,
    type: 'alert',
    service: 'inventory',
    name: 'low_stock',
    title: `Alert ${seq}`,
    message: null,
    occurrences: 1,
    folded: 0,
    occurred_at: at,
    received_at: at,
    dedup_key: null,
    first_seen_at: at,
    last_seen_at: at,
    labels: {},
    actions: [],
    metadata: {},
    assignee: null,
    snoozed_until: null,
    actor: null,
    note: null,
    trace_id: null,
    ...overrides,
  };
}

export const sayEntry = (stream: OpenStream, seq: number, overrides: Partial<Entry> = {}): void =>
  stream.say('inventory_alert', anEntry(seq, overrides), cursorAt(seq));

/** An unsigned JWT with the claims that the client reads. */
export const aToken = (claims: { sub?: string; exp?: number; iat?: number } = {}): string =>
  `x.${Buffer.from(JSON.stringify({ sub: 'ana', iat: Date.now() / 1_000, exp: Date.now() / 1_000 + 3_600, ...claims })).toString('base64url')}.x`;
