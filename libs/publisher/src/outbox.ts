import { randomUUID } from 'node:crypto';
import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { isSaid, refuseUnpublishable } from './publishable';

/**
 * The part of a database client that the outbox needs: node-postgres's `Client` and `PoolClient`, or an object of the
 * same shape.
 */
export interface OutboxClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** The default name of the outbox. A name may hold a schema: `shop.alert_outbox`. */
export const OUTBOX_TABLE = 'alert_outbox';

/**
 * The SQL that creates the outbox, for a migration of the service's own. It is safe to repeat. A row is an alert that
 * is to be published; published rows are deleted. A row with a `failure` can never be published, and `failure` says
 * why: the row stays until an operator deletes it, and does not block the others.
 */
export function outboxTable(table: string = OUTBOX_TABLE): string {
  return `create table if not exists ${quoted(table)} (
  outbox_id bigint generated always as identity primary key,
  id text not null,
  alert json not null,
  traceparent text,
  enqueued_at timestamptz not null default clock_timestamp(),
  failure text
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
`;
}

/**
 * Puts alerts into the outbox, in the transaction that `client` has open. They are published if it commits, and never
 * if it does not. One statement. Returns the alerts' ids in the order of the alerts. An alert without an id gets one
 * here, so that it is the same message however often it is published. Throws `TypeError` for an alert without tenant,
 * service or severity, before anything is written, and passes on the client's errors.
 */
export async function enqueue(
  client: OutboxClient,
  alerts: readonly AlertMessageBody[],
  { table = OUTBOX_TABLE, traceparent }: { table?: string; traceparent?: string } = {},
): Promise<string[]> {
  refuseUnpublishable(alerts);
  const whole = alerts.map((alert) => ({ ...alert, id: isSaid(alert.id) ? alert.id : randomUUID() }));
  const ids = whole.map(({ id }) => id);
  if (whole.length === 0) return ids;
  await client.query(
    `insert into ${quoted(table)} (id, alert, traceparent)
     select id, alert::json, $3 from unnest($1::text[], $2::text[]) with ordinality as given (id, alert, place) order by place`,
    [ids, whole.map((alert) => JSON.stringify(alert)), traceparent ?? null],
  );
  return ids;
}

/**
 * Quotes a table's name for SQL. Throws for an invalid name: it becomes part of statements, where no parameter can
 * stand.
 */
export function quoted(table: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$/.test(table))
    throw new TypeError(
      'The outbox is named by letters, digits and _, with a schema and a point before it or without.',
    );
  return table
    .split('.')
    .map((part) => `"${part}"`)
    .join('.');
}
