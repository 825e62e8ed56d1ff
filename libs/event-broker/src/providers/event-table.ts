import type { BrokerEvent } from '../event';
import { BrokerError } from '../broker-error';
import { decodePayload, encodePayload } from './payload-codec';

/** Quotes a table's name for SQL: it may hold a schema. Throws for any other text, as no parameter can stand there. */
export function quotedTable(table: string): string {
  if (!/^[A-Za-z_]\w{0,50}(\.[A-Za-z_]\w{0,50})?$/.test(table))
    throw new BrokerError('invalid_configuration', 'table_name is letters, digits and _, with a schema or without.');
  return table
    .split('.')
    .map((part) => `"${part}"`)
    .join('.');
}

type Index = 'order' | 'open' | 'created' | 'held';
const INDEXES: readonly Index[] = ['order', 'open', 'created', 'held'];
const indexName = (table: string, what: Index) => `"${table.split('.').at(-1)!}_${what}"`;

/** The table of claims beside the table of events. */
export const claimsTable = (table: string): string => quotedTable(`${table}_claims`);

/** The tables and indexes that `eventTable` creates, as a list of SQL literals. */
export const relationsOf = (table: string): string => {
  const schema = table.includes('.') ? `${quotedTable(table).split('.')[0]}.` : '';
  const indexes = INDEXES.map((what) => `${schema}${indexName(table, what)}`);
  return [quotedTable(table), claimsTable(table), ...indexes].map((name) => `'${name}'`).join(', ');
};

/**
 * The SQL that creates the tables. It is safe to repeat. `(xid, seq)` is the order of streams: a transaction commits
 * later than one with a larger `seq` may do, so that reading by `seq` alone would skip its events.
 */
export function eventTable(table: string): string {
  const name = quotedTable(table);
  return `
create table if not exists ${name} (
  id text primary key,
  seq bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  origin text,
  is_published boolean not null,
  source text not null,
  type text not null,
  status text not null check (status in ('pending', 'processing', 'completed', 'failed')),
  retry_count integer not null default 0,
  error text,
  payload json,
  payload_gzip bytea,
  user_id text,
  session_id text,
  instance_id text not null,
  schema text not null,
  entity text not null,
  operation text not null,
  schema_version integer not null,
  created_at timestamptz not null,
  processed_at timestamptz,
  completed_at timestamptz,
  metadata json not null
);
create unique index if not exists ${indexName(table, 'order')} on ${name} (xid, seq);
create index if not exists ${indexName(table, 'open')} on ${name} (instance_id, status) where status <> 'completed';
create index if not exists ${indexName(table, 'created')} on ${name} (created_at);
create table if not exists ${claimsTable(table)} (
  event_id text not null references ${name} on delete cascade,
  group_name text not null,
  claimant text not null,
  held_until timestamptz not null,
  outcome text check (outcome in ('completed', 'failed')),
  primary key (event_id, group_name)
);
create index if not exists ${indexName(table, 'held')} on ${claimsTable(table)} (held_until) where outcome is null;`;
}

/**
 * A row as the statements below return it: each value as text, whatever the service told its driver to make of types.
 */
export interface EventRow {
  id: string;
  source: BrokerEvent['source'];
  type: string;
  status: BrokerEvent['status'];
  retry_count: string;
  error: string | null;
  payload: string | null;
  payload_gzip: string | null;
  user_id: string | null;
  session_id: string | null;
  instance_id: string;
  schema: string;
  entity: string;
  operation: string;
  schema_version: string;
  created_ms: string;
  processed_ms: string | null;
  completed_ms: string | null;
  metadata: string;
  xid: string;
  seq: string;
}

/** An instant of `e` in epoch milliseconds, as text. */
export const millis = (column: string) => `(extract(epoch from e.${column}) * 1000)::bigint::text`;

/** The columns of `e` that an `EventRow` has. */
export const EVENT_COLUMNS = `e.id, e.source, e.type, e.status, e.retry_count::text as retry_count, e.error,
  e.payload::text as payload, encode(e.payload_gzip, 'base64') as payload_gzip, e.user_id, e.session_id, e.instance_id,
  e.schema, e.entity, e.operation, e.schema_version::text as schema_version, ${millis('created_at')} as created_ms,
  ${millis('processed_at')} as processed_ms, ${millis('completed_at')} as completed_ms, e.metadata::text as metadata,
  e.xid::text as xid, e.seq::text as seq`;

const instant = (ms: string | null) => (ms === null ? undefined : new Date(Number(ms)));

export const eventOfRow = (row: EventRow): BrokerEvent => ({
  id: row.id,
  source: row.source,
  type: row.type,
  status: row.status,
  retry_count: Number(row.retry_count),
  error: row.error ?? undefined,
  payload: decodePayload({
    json: row.payload,
    gzip: row.payload_gzip === null ? null : Buffer.from(row.payload_gzip, 'base64'),
  }),
  user_id: row.user_id ?? undefined,
  session_id: row.session_id ?? undefined,
  instance_id: row.instance_id,
  schema: row.schema,
  entity: row.entity,
  operation: row.operation,
  schema_version: Number(row.schema_version),
  created_at: instant(row.created_ms)!,
  processed_at: instant(row.processed_ms),
  completed_at: instant(row.completed_ms),
  metadata: JSON.parse(row.metadata) as Record<string, unknown>,
});

/** An event as it is given to `insertEvents`, with its origin and whether streams have it. */
export interface InsertedEvent {
  event: BrokerEvent;
  origin: string | undefined;
  isPublished: boolean;
}

/**
 * Inserts events in their order, and wakes the streams when the transaction commits. `$1` is a JSON list, so that one
 * plan serves every number of events.
 */
export const insertEvents = (table: string): string => `
with stored as (
  insert into ${quotedTable(table)} (id, origin, is_published, source, type, status, error, payload, payload_gzip, user_id,
    session_id, instance_id, schema, entity, operation, schema_version, created_at, processed_at, completed_at, metadata)
  select g.id, g.origin, g.is_published, g.source, g.type, g.status, g.error, g.payload::json,
    decode(g.payload_gzip, 'base64'), g.user_id, g.session_id, g.instance_id, g.schema, g.entity, g.operation,
    g.schema_version, g.created_at, g.processed_at, g.completed_at, g.metadata
  from json_to_recordset($1::json) as g (place int, id text, origin text, is_published boolean, source text, type text,
    status text, error text, payload text, payload_gzip text, user_id text, session_id text, instance_id text, schema text,
    entity text, operation text, schema_version int, created_at timestamptz, processed_at timestamptz,
    completed_at timestamptz, metadata json)
  order by g.place
  on conflict (id) do nothing
  returning is_published
)
select pg_notify($2, '') from stored where is_published limit 1`;

export const insertedJson = (inserted: readonly InsertedEvent[], compressAboveBytes: number | null): string =>
  JSON.stringify(
    inserted.map(({ event, origin, isPublished }, place) => {
      const { json, gzip } = encodePayload(event.payload, compressAboveBytes);
      // the payload is text within the text: PostgreSQL keeps it as it is
      return {
        ...event,
        place,
        origin,
        is_published: isPublished,
        payload: json,
        payload_gzip: gzip?.toString('base64'),
      };
    }),
  );
