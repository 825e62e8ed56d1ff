import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import {
  ALERT_WORDS,
  FOLDING,
  entryOf,
  sampledContext,
  type AlertWords,
  type DeadLetter,
  type Entry,
  type EntryCause,
  type EntryState,
  type Folding,
  type LogPosition,
  type PlannedDelivery,
  type PlannedEvent,
  type SaidWords,
  type StoredEvent,
  type StreamFilter,
  type StreamHead,
  type TenantId,
  type ValidMessage,
} from '@tocsin/contracts';
import {
  MAX_SEARCHED,
  type AppendedEvent,
  type AppendResult,
  type EventLog,
  type NewestEntries,
} from '@tocsin/contracts/ports';
import type { Database } from './database';

/** How many bytes of a dead letter are kept. */
const MAX_LETTER_BYTES = 65_536;

/** The most entries that one call of `appendFolded` appends. */
const FOLDED_AT_ONCE = 500;

/**
 * The event log in PostgreSQL: one function call, and so one round trip, for each method. `newest` and `startOf` make
 * two.
 */
export class PostgresEventLog implements EventLog {
  constructor(
    private readonly database: Database,
    /** When `append` starts to fold the repeats of an alert. */
    private readonly folding: Folding = FOLDING,
  ) {}

  async append(planned: readonly PlannedEvent[]): Promise<AppendResult[]> {
    if (planned.length === 0) return [];
    const parameters = [
      [...new Set(planned.map(({ message }) => message.tenant_id))],
      batchOf(planned),
      deliveriesOf(planned),
      this.folding.after,
      this.folding.windowMs / 1000,
    ];
    const rows = await this.database.call<StoredRow>(
      'select * from tocsin.store_events($1, $2, $3, $4, make_interval(secs => $5))',
      parameters,
      { timeoutIsJudged: true, keptAs: 'store_events' },
    );
    return rows.map((row, index) => resultOf(planned[index]!, row));
  }

  async appendFolded(): Promise<AppendedEvent[]> {
    const rows = await this.database.call<AppendedRow>('select * from tocsin.append_folded($1)', [
      drawFingerprints(FOLDED_AT_ONCE),
    ]);
    return rows.map(appendedEventOf);
  }

  async after(tenant: TenantId, seq: number, limit: number): Promise<StoredEvent[]> {
    const rows = await this.database.call<EntryRow>('select * from tocsin.entries_after($1, $2, $3)', [
      tenant,
      seq,
      limit,
    ]);
    return rows.map((row) => storedEventOf(row, row, row, row));
  }

  async heads(tenants: readonly TenantId[]): Promise<StreamHead[]> {
    if (tenants.length === 0) return [];
    return this.database.call<StreamHead>('select * from tocsin.stream_heads($1)', [tenants]);
  }

  async newest(tenant: TenantId, count: number, passes: StreamFilter): Promise<NewestEntries> {
    const [head] = await this.heads([tenant]);
    const { epoch, seq, fp, floor_seq } = head!;
    const upTo: LogPosition = { epoch, seq, fp };
    if (count === 0) return { events: [], from: upTo, upTo, searched: null };
    const rows = await this.database.call<EntryRow>(
      'select * from tocsin.newest_entries($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [
        tenant,
        seq,
        count,
        MAX_SEARCHED,
        passes.severity,
        passes.type,
        passes.service,
        passes.name ?? null,
        passes.labels && JSON.stringify(passes.labels),
      ],
    );
    // the last row is the entry before the first one that passes, if there is one: its fp completes the position
    const first = rows[0];
    const before = rows.length > 1 && rows.at(-1)!.seq < first!.seq ? rows.pop() : undefined;
    const events = rows.map((row) => storedEventOf(row, row, row, row));
    const from: LogPosition = !first
      ? upTo
      : before
        ? { epoch, seq: before.seq, fp: before.fp }
        : { epoch, seq: 0, fp: '0' };
    return {
      events,
      from,
      upTo,
      searched: events.length < count && seq - MAX_SEARCHED > floor_seq ? MAX_SEARCHED : null,
    };
  }

  async startOf(tenant: TenantId, time: Date): Promise<LogPosition> {
    await this.heads([tenant]);
    const [position] = await this.database.call<LogPosition>('select * from tocsin.start_at_time($1, $2)', [
      tenant,
      time.toISOString(),
    ]);
    return position!;
  }

  async bury(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    await this.database.call('select tocsin.bury_letters($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
      letters.map((letter) => letter.tenant_id),
      letters.map((letter) => letter.reason),
      letters.map((letter) => withoutNul(letter.detail)),
      letters.map((letter) => letter.body.subarray(0, MAX_LETTER_BYTES)),
      letters.map((letter) => letter.routing_key && withoutNul(letter.routing_key)),
      letters.map((letter) => letter.message_id && withoutNul(letter.message_id)),
      letters.map(({ message_timestamp }) => (Number.isSafeInteger(message_timestamp) ? message_timestamp : null)),
      letters.map((letter) => letter.content_encoding && withoutNul(letter.content_encoding)),
      letters.map(({ headers }) => headers && withoutNul(JSON.stringify(headers)).replaceAll('\\u0000', '\\ufffd')),
    ]);
  }

  /** Writes an empty batch. A standby refuses that, although it answers every read. */
  async check(): Promise<void> {
    await this.database.call('select tocsin.bury_letters($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
      [],
      [],
      [],
      [],
      [],
      [],
      [],
      [],
      [],
    ]);
  }
}

// ---- in: what the storing function reads ---------------------------------------------------------------------------

function batchOf(planned: readonly PlannedEvent[]): string {
  const fps = drawFingerprints(planned.length);
  return JSON.stringify(
    planned.map(({ message, body_hash, trace_id, span_id }, ord) => {
      const { says, said_at } = wordOf(message);
      return {
        ord,
        body_hash,
        fp: fps[ord],
        new_alert_id: uuidv7(),
        trace_id,
        span_id,
        says,
        said_at,
        // the message comes last: an object that starts as the copy of another takes ten times as long to serialise
        ...message,
        // fields that an entry does not have
        recipients: undefined,
        channels: undefined,
        schema_version: undefined,
        assumed: undefined,
      };
    }),
  );
}

/** The bit of each word. The bits 128 and 256 belong to no word, so words from the eighth on are shifted by two. */
const WORD_BITS = ALERT_WORDS.map((name, at) => [name, 1 << (at < 7 ? at : at + 2)] as const);
const SEVERITY_BIT = 128;

/**
 * For a message that is about an alert (it has a `dedup_key`): the bits of the words that it says, and the time by the
 * producer's clock.
 */
function wordOf(message: ValidMessage): { says: number | undefined; said_at: string | undefined } {
  const { assumed = [], dedup_key, occurred_at, status } = message;
  if (dedup_key === undefined) return { says: undefined, said_at: undefined };
  let says = status === 'firing' && !assumed.includes('severity') ? SEVERITY_BIT : 0;
  for (const [name, bit] of WORD_BITS) if (message[name] !== undefined && !assumed.includes(name)) says |= bit;
  return { says, said_at: assumed.includes('occurred_at') ? undefined : occurred_at };
}

/**
 * The deliveries of all messages in one list, so that the function parses one list instead of one for each message.
 * Duplicates within a message are left out.
 */
function deliveriesOf(planned: readonly PlannedEvent[]): string {
  const rows: (PlannedDelivery & { ord: number })[] = [];
  planned.forEach(({ deliveries }, ord) => {
    deliveries.forEach(({ channel, recipient }, at) => {
      const first = deliveries.findIndex((other) => other.channel === channel && other.recipient === recipient);
      if (first === at) rows.push({ ord, channel, recipient });
    });
  });
  return JSON.stringify(rows);
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * Draws fingerprints of forty random bits each, in eight characters. They are random and not computed: an equal one in
 * another history would be chance.
 */
export function drawFingerprints(count: number): string[] {
  const characters = Array.from(randomBytes(count * 8), (byte) => BASE32[byte & 31]).join('');
  return Array.from({ length: count }, (_, index) => characters.slice(index * 8, index * 8 + 8));
}

// ---- out: rows as entries ------------------------------------------------------------------------------------------

/**
 * The alert before an entry, as columns. They are null when the alert is new; type, name and labels are also null when
 * they did not change.
 */
interface PreviousColumns {
  previous_status: Entry['status'] | null;
  previous_severity: Entry['severity'] | null;
  previous_type: Entry['type'] | null;
  /** Empty: the alert had no name. */
  previous_name: string | null;
  previous_labels: Entry['labels'] | null;
}

/** An entry as the database returns it. `prev_fp` is null when the entry before it was returned too. */
export interface EntryRow
  extends Omit<StoredEvent, 'entry' | 'trace'>, EntryCause, EntryState, AlertWords, PreviousColumns, SpanColumn {}
/** An entry that a database function has appended. */
export type AppendedRow = EntryRow & { tenant_id: TenantId };

/** The span that the entry continues; null when its trace is not sampled. */
interface SpanColumn {
  span_id?: string | null;
}

/** What `store_events` returns for one event of the batch; the rest of the entry comes from the message. */
interface StoredRow extends Omit<StoredEvent, 'entry' | 'trace'>, EntryState, PreviousColumns {
  outcome: AppendResult['outcome'];
  /** The words that describe the alert; null when they are those of the message. */
  words: AlertWords | null;
}

function resultOf({ message, trace_id, span_id }: PlannedEvent, row: StoredRow): AppendResult {
  const { outcome } = row;
  const { tenant_id, id: event_id, service, occurred_at = null, dedup_key = null } = message;
  if (outcome === 'conflict' || outcome === 'folded') return { outcome };
  if (outcome === 'duplicate') {
    const { epoch, seq, fp } = row;
    return { outcome, tenant_id, position: seq === null ? null : { epoch, seq, fp } };
  }
  const cause = { tenant_id, event_id, service, occurred_at, dedup_key, actor: null, note: null, trace_id, span_id };
  return { outcome, event: storedEventOf(cause, row, row.words ?? message, row) };
}

export const appendedEventOf = (row: AppendedRow): AppendedEvent => ({
  tenant_id: row.tenant_id,
  ...storedEventOf(row, row, row, row),
});

/** Puts an entry together from its parts, with its position. */
export function storedEventOf(
  cause: EntryCause & SpanColumn,
  state: EntryState,
  words: SaidWords,
  row: Omit<StoredEvent, 'entry' | 'trace'> & PreviousColumns,
): StoredEvent {
  const { epoch, seq, fp, prev_fp } = row;
  const entry = entryOf(cause, state, words, previousOf(row));
  return { epoch, seq, fp, prev_fp, entry, trace: sampledContext(cause.trace_id, cause.span_id) };
}

function previousOf({
  previous_status: status,
  previous_severity: severity,
  previous_type: type,
  previous_name: name,
  previous_labels: labels,
}: PreviousColumns): Entry['previous'] {
  if (status === null || severity === null) return null;
  return {
    status,
    severity,
    ...(type !== null && { type }),
    ...(name !== null && { name: name || null }),
    ...(labels !== null && { labels }),
  };
}

/** Replaces NUL, which PostgreSQL cannot store in text. A dead letter may quote one. */
const withoutNul = (text: string): string => text.replaceAll('\0', '\ufffd');
