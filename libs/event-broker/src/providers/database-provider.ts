import { BrokerError } from '../broker-error';
import { checkTimer } from '../duration';
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
import { guarded } from '../listeners';
import { patternRegex } from '../pattern-trie';
import { BatchWriter } from './batch-writer';
import type { DatabasePool } from './database-pool';
import { EQUAL_FIELDS } from './event-filter';
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
import { completeRedriven, updatedJson, updateEvents } from './status-updates';
import { TableNews } from './table-news';
import { openTableStream } from './table-stream';

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
  onTrouble?: (error: unknown) => unknown;
}

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
  private readonly trouble: (error: unknown) => void;
  private readonly news: TableNews;
  private opening: Promise<void> | undefined;
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
    const { pollMs = 1_000 } = options;
    checkTimer('pollMs', pollMs);
    this.trouble = guarded(options.onTrouble);
    this.inserts = new BatchWriter((items) => this.insert(items));
    this.updates = new BatchWriter((items) => this.update(items));
    this.news = new TableNews({
      pool: options.pool,
      channel: this.channel,
      pollMs,
      signal: this.closing.signal,
      onTrouble: this.trouble,
    });
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
    for (const name of EQUAL_FIELDS) if (filter[name] !== undefined) where((it) => `e.${name} = ${it}`, filter[name]);
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

  async completeRedriven({ id, completed_at }: BrokerEvent, retry_count: number, at: Date): Promise<void> {
    const failedAt = completed_at === undefined ? null : String(completed_at.getTime());
    await this.query(completeRedriven(this.table), [id, retry_count, at.toISOString(), failedAt]);
  }

  async delete(id: string): Promise<boolean> {
    const rows = await this.query(`delete from ${quotedTable(this.table)} where id = $1 returning id`, [id]);
    return rows.length > 0;
  }

  async stream(request: StreamRequest): Promise<AsyncIterable<BrokerEvent>> {
    this.news.listen();
    const signal = AbortSignal.any([request.signal, this.closing.signal]);
    const rows = await openTableStream(
      {
        table: this.table,
        query: (sql, values) => this.query(sql, values),
        news: (until) => this.news.wait(until),
        consumed: (count) => (this.consumed += count),
        onTrouble: this.trouble,
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
    await Promise.all([this.news.ended(), this.inserts.drained(), this.updates.drained()]);
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

  private async update(changes: readonly StatusChange[]): Promise<void> {
    await this.query(updateEvents(this.table), updatedJson(changes));
  }

  private async *counted(rows: AsyncIterable<BrokerEvent>): AsyncGenerator<BrokerEvent> {
    this.streams += 1;
    try {
      yield* rows;
    } finally {
      this.streams -= 1;
    }
  }
}
