import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing/back-off';
import { BrokerError } from '../broker-error';
import type { BrokerEvent } from '../event';
import {
  ABANDONED_AT_ONCE,
  EventProvider,
  type AbandonedClaim,
  type Claim,
  type EventFilter,
  type ProviderStats,
  type StatusChange,
  type StreamRequest,
  type TransactionClient,
} from '../event-provider';
import { patternRegex } from '../pattern-trie';
import { BatchWriter } from './batch-writer';
import {
  claimsTable,
  EVENT_COLUMNS,
  eventOfRow,
  eventTable,
  relationsOf,
  insertedJson,
  insertEvents,
  quotedTable,
  type EventRow,
  type InsertedEvent,
} from './event-table';
import { DEFAULT_COMPRESS_ABOVE_BYTES } from './payload-codec';
import { openTableStream } from './table-stream';

/** The part of node-postgres's `PoolClient` that the provider needs. */
export interface DatabaseClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  on(event: 'notification' | 'error', listener: (...given: never[]) => void): unknown;
  removeAllListeners(event: 'notification' | 'error'): unknown;
  /** With `true` the connection is closed instead of used again. */
  release(destroy?: boolean | Error): void;
}

/** The service's own pool: node-postgres's `Pool`, or an object of the same shape. The provider does not end it. */
export interface DatabasePool {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  connect(): Promise<DatabaseClient>;
}

export interface DatabaseProviderOptions {
  /** One of its connections listens for notifications while streams are open. */
  pool: DatabasePool;
  /** Default `events`; `schema.table` is possible. */
  table?: string;
  /** The channel of NOTIFY. Default `resolvespec_events`. */
  channel?: string;
  /** False: `eventTable(table)` is in the service's own migrations. Default true. */
  createTable?: boolean;
  /** How long a stream waits without a notification before it looks by itself, in milliseconds. Default 1,000. */
  pollMs?: number;
  /** Payloads from this size on are compressed, in bytes of JSON. Default 8,192; null turns it off. */
  compressAboveBytes?: number | null;
  /** Called when PostgreSQL fails in the background. The provider tries again by itself. */
  onTrouble?: (error: unknown) => void;
}

const BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };
const EQUAL = ['source', 'status', 'user_id', 'schema', 'entity', 'operation', 'instance_id'] as const;

/**
 * Keeps events in a table of PostgreSQL (13 or later). NOTIFY only wakes streams: what a lost notification would have
 * said, the next poll finds. What is published at the same time is written in one statement.
 */
export class DatabaseProvider extends EventProvider {
  private readonly table: string;
  private readonly channel: string;
  private readonly inserts: BatchWriter<InsertedEvent>;
  private readonly updates: BatchWriter<StatusChange>;
  private readonly closing = new AbortController();
  private readonly wakers = new Set<() => void>();
  private opening: Promise<void> | undefined;
  private listening: Promise<void> | undefined;
  private published = 0;
  private consumed = 0;
  private streams = 0;

  constructor(private readonly options: DatabaseProviderOptions) {
    super();
    this.table = options.table ?? 'events';
    this.channel = options.channel ?? 'resolvespec_events';
    if (!/^[A-Za-z_]\w{0,62}$/.test(this.channel))
      throw new BrokerError('invalid_configuration', 'channel is letters, digits and _.');
    quotedTable(this.table);
    this.inserts = new BatchWriter((items) => this.insert(items));
    this.updates = new BatchWriter((items) => this.update(items));
  }

  open(): Promise<void> {
    this.opening ??= this.create().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  store(events: readonly BrokerEvent[]): Promise<void> {
    return this.inserts.add(events.map((event) => ({ event, origin: undefined, isPublished: false })));
  }

  async publish(events: readonly BrokerEvent[], origin?: string): Promise<void> {
    await this.inserts.add(events.map((event) => ({ event, origin, isPublished: true })));
    this.published += events.length;
  }

  override async publishWithin(client: TransactionClient, events: readonly BrokerEvent[]): Promise<void> {
    if (events.length === 0) return;
    await client.query(
      insertEvents(this.table),
      this.insertValues(
        events.map((event) => ({
          event,
          origin: undefined,
          isPublished: true,
        })),
      ),
    );
    this.published += events.length;
  }

  async get(id: string): Promise<BrokerEvent | undefined> {
    const [row] = await this.query<EventRow>(
      `select ${EVENT_COLUMNS} from ${quotedTable(this.table)} as e where e.id = $1`,
      [id],
    );
    return row && eventOfRow(row);
  }

  async list(filter: EventFilter = {}): Promise<BrokerEvent[]> {
    const values: unknown[] = [];
    const conditions = ['true'];
    const where = (condition: (parameter: string) => string, value: unknown) => {
      values.push(value);
      conditions.push(condition(`$${values.length}`));
    };
    for (const name of EQUAL) if (filter[name] !== undefined) where((it) => `e.${name} = ${it}`, filter[name]);
    if (filter.pattern !== undefined) where((it) => `e.type ~ ${it}`, patternRegex(filter.pattern));
    if (filter.start_time) where((it) => `e.created_at >= ${it}::timestamptz`, filter.start_time.toISOString());
    if (filter.end_time) where((it) => `e.created_at < ${it}::timestamptz`, filter.end_time.toISOString());
    if (filter.after_id !== undefined) {
      const after = await this.query<{ xid: string; seq: string }>(
        `select xid::text as xid, seq::text as seq from ${quotedTable(this.table)} where id = $1`,
        [filter.after_id],
      );
      if (!after[0]) throw new BrokerError('unknown_event', 'after_id names no event.');
      values.push(after[0].xid, after[0].seq);
      conditions.push(`(e.xid, e.seq) > ($${values.length - 1}::xid8, $${values.length}::bigint)`);
    }
    values.push(filter.limit ?? 100, filter.offset ?? 0);
    const rows = await this.query<EventRow>(
      `select ${EVENT_COLUMNS} from ${quotedTable(this.table)} as e where ${conditions.join(' and ')}
       order by e.xid, e.seq limit $${values.length - 1} offset $${values.length}`,
      values,
    );
    return rows.map(eventOfRow);
  }

  updateStatus(changes: readonly StatusChange[]): Promise<void> {
    return this.updates.add(changes);
  }

  async delete(id: string): Promise<boolean> {
    const rows = await this.query(`delete from ${quotedTable(this.table)} where id = $1 returning id`, [id]);
    return rows.length > 0;
  }

  async stream(request: StreamRequest): Promise<AsyncIterable<BrokerEvent>> {
    this.listening ??= this.listen();
    const signal = AbortSignal.any([request.signal, this.closing.signal]);
    const rows = await openTableStream(
      {
        table: this.table,
        query: (sql, values) => this.query(sql, values),
        news: (until) => this.news(until),
        consumed: (count) => (this.consumed += count),
        onTrouble: (error) => this.options.onTrouble?.(error),
      },
      { ...request, signal },
    );
    return this.counted(rows);
  }

  async claim({ id, group, claimant }: Claim, leaseMs: number): Promise<boolean> {
    const taken = await this.query(
      `insert into ${claimsTable(this.table)} as c (event_id, group_name, claimant, held_until)
       select e.id, $2, $3, clock_timestamp() + $4::float8 * interval '1 millisecond'
       from ${quotedTable(this.table)} as e where e.id = $1
       on conflict (event_id, group_name) do update set claimant = excluded.claimant, held_until = excluded.held_until
       where c.outcome is null and (c.claimant = excluded.claimant or c.held_until <= clock_timestamp())
       returning 1`,
      [id, group, claimant, leaseMs],
    );
    return taken.length > 0;
  }

  async completeClaim({ id, group, claimant }: Claim): Promise<void> {
    await this.query(
      `update ${claimsTable(this.table)} set outcome = 'completed'
       where event_id = $1 and group_name = $2 and claimant = $3`,
      [id, group, claimant],
    );
  }

  async reopenClaims(eventId: string): Promise<void> {
    await this.query(`delete from ${claimsTable(this.table)} where event_id = $1 and outcome = 'failed'`, [eventId]);
  }

  abandoned(groups: readonly string[]): Promise<AbandonedClaim[]> {
    return this.query<AbandonedClaim>(
      `select event_id as id, group_name as "group" from ${claimsTable(this.table)}
       where outcome is null and held_until <= clock_timestamp() and group_name = any ($1::text[])
       order by held_until limit ${ABANDONED_AT_ONCE}`,
      [groups],
    );
  }

  async stats(): Promise<ProviderStats> {
    const rows = await this.query<{ status: string; count: string }>(
      `select status, count(*)::text as count from ${quotedTable(this.table)} group by status`,
      [],
    );
    const of = (status: string) => Number(rows.find((row) => row.status === status)?.count ?? 0);
    return {
      provider_type: 'database',
      total_events: rows.reduce((sum, { count }) => sum + Number(count), 0),
      pending_events: of('pending'),
      processing_events: of('processing'),
      completed_events: of('completed'),
      failed_events: of('failed'),
      events_published: this.published,
      events_consumed: this.consumed,
      active_subscribers: this.streams,
      provider_specific: { table_name: this.table, channel: this.channel },
    };
  }

  /** Deletes completed events that are older. Returns how many there were. */
  async deleteCompletedBefore(before: Date): Promise<number> {
    const rows = await this.query(
      `delete from ${quotedTable(this.table)} where status = 'completed' and created_at < $1::timestamptz returning 1`,
      [before.toISOString()],
    );
    return rows.length;
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.wake();
    await Promise.all([this.listening, this.inserts.drained(), this.updates.drained()]);
  }

  private async query<Row>(sql: string, values: unknown[]): Promise<Row[]> {
    return (await this.options.pool.query(sql, values)).rows as Row[];
  }

  private async create(): Promise<void> {
    if (this.options.createTable === false) return;
    // Two instances that start at the same time would create the same table, hence the lock. What exists already is not
    // created again: `create index if not exists` locks a table that other instances write to before it looks, and so
    // meets their locks in another order.
    await this.query(
      `do $$ begin
         perform pg_advisory_xact_lock(hashtextextended('event-broker ${this.table}', 0));
         if exists (select from unnest(array[${relationsOf(this.table)}]) as name where to_regclass(name) is null) then
           ${eventTable(this.table)}
         end if;
       end $$`,
      [],
    );
  }

  private insertValues(items: readonly InsertedEvent[]): unknown[] {
    const { compressAboveBytes = DEFAULT_COMPRESS_ABOVE_BYTES } = this.options;
    return [insertedJson(items, compressAboveBytes), this.channel];
  }

  private async insert(items: readonly InsertedEvent[]): Promise<void> {
    await this.query(insertEvents(this.table), this.insertValues(items));
  }

  /** Of several changes of one event the last counts; its instants are those of all. One statement, so one step. */
  private async update(changes: readonly StatusChange[]): Promise<void> {
    interface Last extends Omit<StatusChange, 'at' | 'given_up'> {
      processed_at?: Date;
      completed_at?: Date;
      redriven?: boolean;
    }
    const last = new Map<string, Last>();
    for (const { at, given_up: _, ...change } of changes) {
      const before = last.get(change.id);
      if (before?.status === 'failed' && change.status === 'completed') continue;
      last.set(change.id, {
        ...change,
        retry_count: change.retry_count ?? before?.retry_count,
        processed_at: change.status === 'processing' ? at : before?.processed_at,
        completed_at: change.status === 'completed' || change.status === 'failed' ? at : before?.completed_at,
        redriven: before?.redriven || change.status === 'pending',
      });
    }
    const givenUp = changes.flatMap(({ id, given_up }) =>
      (given_up?.groups ?? []).map((group) => ({ id, group, claimant: given_up!.claimant })),
    );
    await this.query(
      `with given_up as (
         update ${claimsTable(this.table)} as c set outcome = 'failed'
         from json_to_recordset($2::json) as g (id text, "group" text, claimant text)
         where c.event_id = g.id and c.group_name = g."group" and c.claimant = g.claimant
       )
       update ${quotedTable(this.table)} as e
       set status = g.status, error = g.error, retry_count = coalesce(g.retry_count, e.retry_count),
         processed_at = coalesce(g.processed_at, e.processed_at), completed_at = coalesce(g.completed_at, e.completed_at)
       from json_to_recordset($1::json) as g (id text, status text, error text, retry_count int,
         processed_at timestamptz, completed_at timestamptz, redriven boolean)
       where e.id = g.id and not (e.status = 'failed' and g.status = 'completed' and g.redriven is not true)`,
      [JSON.stringify([...last.values()]), JSON.stringify(givenUp)],
    );
  }

  private async *counted(rows: AsyncIterable<BrokerEvent>): AsyncGenerator<BrokerEvent> {
    this.streams += 1;
    try {
      yield* rows;
    } finally {
      this.streams -= 1;
    }
  }

  private wake(): void {
    for (const wake of [...this.wakers]) wake();
  }

  private async news(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let timer: NodeJS.Timeout | undefined;
    let wake = () => {};
    await new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, this.options.pollMs ?? 1_000);
      this.wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
    clearTimeout(timer);
    this.wakers.delete(wake);
    signal.removeEventListener('abort', wake);
  }

  /** Listens until the provider closes. Never rejects: without notifications the streams poll. */
  private async listen(): Promise<void> {
    const { signal } = this.closing;
    for (let failures = 0; !signal.aborted; failures += 1) {
      let client: DatabaseClient | undefined;
      try {
        client = await this.options.pool.connect();
        const listener = client;
        const lost = new Promise<never>((_, reject) => listener.on('error', reject as never));
        listener.on('notification', () => this.wake());
        const closed = new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        await Promise.race([listener.query(`listen "${this.channel}"`), lost]);
        failures = 0;
        this.wake();
        await Promise.race([lost, signal.aborted ? undefined : closed]);
      } catch (error) {
        this.options.onTrouble?.(error);
      } finally {
        client?.removeAllListeners('notification');
        // the next user of the pool must not hear our notifications
        client?.release(true);
      }
      if (!signal.aborted) await sleep(fullJitter(failures, BACK_OFF), undefined, { signal }).catch(() => undefined);
    }
  }
}
