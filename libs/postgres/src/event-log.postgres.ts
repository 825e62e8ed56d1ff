import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import {
  FOLDING,
  type Change,
  type DeadLetter,
  type Entry,
  type Folding,
  type LogPosition,
  type PlannedDelivery,
  type PlannedEvent,
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

/** The most of a dead letter that is kept. */
const MAX_LETTER_BYTES = 65_536;

/** The most entries that one call of `appendFolded` appends. */
const FOLDED_AT_ONCE = 500;

/** The log in PostgreSQL: one function call, and so one round trip, for each method. */
export class PostgresEventLog implements EventLog {
  constructor(
    private readonly database: Database,
    /** From when on repeats of an alert are folded: what `append` goes by. */
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
      { timeoutIsJudged: true },
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
    return rows.map((row) => storedEventOf(tenant, row, row, null));
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
    const rows = await this.database.call<Omit<EntryRow, 'epoch'>>(
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
    // behind those that pass, the one before the first of them: its fp makes the position
    const first = rows[0];
    const before = rows.length > 1 && rows.at(-1)!.seq < first!.seq ? rows.pop() : undefined;
    const events = rows.map((row) => storedEventOf(tenant, { ...row, epoch }, row, null));
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

  /** A write of nothing: a standby refuses it, which answers every read. */
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

// ---- in: what the storing function reads ------------------------------------------------------------------------------

function batchOf(planned: readonly PlannedEvent[]): string {
  const fps = drawFingerprints(planned.length);
  return JSON.stringify(
    planned.map(({ message, body_hash, trace_id }, ord) => {
      const {
        tenant_id,
        service,
        id,
        type,
        name,
        title,
        message: text,
        severity,
        status,
        dedup_key,
        occurred_at,
        labels,
        actions,
        metadata,
      } = message;
      return {
        ord,
        tenant_id,
        service,
        id,
        body_hash,
        fp: fps[ord],
        new_alert_id: uuidv7(),
        type,
        name,
        title,
        message: text,
        severity,
        status,
        dedup_key,
        occurred_at,
        labels,
        actions,
        metadata,
        trace_id,
        ...(dedup_key !== undefined && wordOf(message)),
      };
    }),
  );
}

/** The words of an alert, each with its bit, as `evolve_alert` knows them. */
const WORDS = { type: 1, name: 2, title: 4, message: 8, labels: 16, actions: 32, metadata: 64 } as const;
const WORD_BITS = Object.entries(WORDS) as [keyof typeof WORDS, number][];
const SEVERITY_BIT = 128;

/** What only a message about an alert needs: which words it says, by whose clock, and whether it says what is so now. */
function wordOf(message: ValidMessage): { says: number; said_at: string | undefined; snapshot: true | undefined } {
  const { assumed = [], occurred_at, snapshot, status } = message;
  let says = status === 'firing' && !assumed.includes('severity') ? SEVERITY_BIT : 0;
  for (const [name, bit] of WORD_BITS) if (message[name] !== undefined && !assumed.includes(name)) says |= bit;
  return {
    says,
    said_at: assumed.includes('occurred_at') ? undefined : occurred_at,
    snapshot: snapshot === true ? true : undefined,
  };
}

/** Those of all messages in one list, so that they are read once and not once a message; each of a message once. */
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

/** Forty random bits each, in eight characters. Drawn, not computed: an equal one in another history would be chance. */
export function drawFingerprints(count: number): string[] {
  const characters = Array.from(randomBytes(count * 8), (byte) => BASE32[byte & 31]).join('');
  return Array.from({ length: count }, (_, index) => characters.slice(index * 8, index * 8 + 8));
}

// ---- out: rows as entries ---------------------------------------------------------------------------------------------

/** What the storing function says of one event of the batch; the rest of the entry is the message's. */
interface StoredRow extends LogPosition, Evolved {
  prev_fp: string;
  outcome: AppendResult['outcome'];
  /** What describes the alert, where that is not what the message says. */
  words: Pick<Entry, keyof typeof WORDS> | null;
}

interface Evolved extends Pick<
  Entry,
  | 'alert_id'
  | 'status'
  | 'severity'
  | 'occurrences'
  | 'folded'
  | 'received_at'
  | 'first_seen_at'
  | 'last_seen_at'
  | 'assignee'
  | 'snoozed_until'
> {
  change: Change;
  previous_status: Entry['status'] | null;
  previous_severity: Entry['severity'] | null;
  /** Where they are others than now; a name that was none is empty. */
  previous_type: Entry['type'] | null;
  previous_name: string | null;
  previous_labels: Entry['labels'] | null;
}

/** What the producer said, which neither the log nor the alert's state has changed. */
type Said = Omit<Entry, keyof Evolved | 'tenant_id' | 'seq' | 'previous'>;
/** A row of `event`, with the epoch where it is known. */
export type EntryRow = LogPosition & Evolved & Said;
/** An entry that a function has appended. */
export type AppendedRow = EntryRow & { tenant_id: TenantId; prev_fp: string };

function resultOf({ message, trace_id }: PlannedEvent, row: StoredRow): AppendResult {
  const { outcome } = row;
  if (outcome === 'conflict' || outcome === 'folded') return { outcome };
  if (outcome === 'duplicate') {
    const { epoch, seq, fp } = row;
    return { outcome, tenant_id: message.tenant_id, position: seq === null ? null : { epoch, seq, fp } };
  }
  const {
    id,
    type,
    service,
    name = null,
    title,
    message: text = null,
    occurred_at = null,
    dedup_key = null,
    labels,
    actions,
    metadata,
  } = message;
  const words = row.words ?? { type, name, title, message: text, labels, actions, metadata };
  const said: Said = { event_id: id, service, ...words, occurred_at, dedup_key, actor: null, note: null, trace_id };
  return { outcome, event: storedEventOf(message.tenant_id, row, said, row.prev_fp) };
}

export const appendedEventOf = (row: AppendedRow): AppendedEvent => ({
  tenant_id: row.tenant_id,
  ...storedEventOf(row.tenant_id, row, row, row.prev_fp),
});

/** A row of the log as its entry. `prev_fp` is null where the one before it was read too. */
export function storedEventOf(
  tenant: TenantId,
  row: LogPosition & Evolved,
  said: Said,
  prev_fp: string | null,
): StoredEvent {
  const { epoch, seq, fp } = row;
  const entry: Entry = {
    tenant_id: tenant,
    seq,
    event_id: said.event_id,
    alert_id: row.alert_id,
    change: row.change,
    status: row.status,
    severity: row.severity,
    previous: previousOf(row),
    type: said.type,
    service: said.service,
    name: said.name,
    title: said.title,
    message: said.message,
    occurrences: row.occurrences,
    folded: row.folded,
    occurred_at: said.occurred_at,
    received_at: row.received_at,
    dedup_key: said.dedup_key,
    first_seen_at: row.first_seen_at,
    last_seen_at: row.last_seen_at,
    labels: said.labels,
    actions: said.actions,
    metadata: said.metadata,
    assignee: row.assignee,
    snoozed_until: row.snoozed_until,
    actor: said.actor,
    note: said.note,
    trace_id: said.trace_id,
  };
  return { epoch, seq, fp, prev_fp, entry };
}

function previousOf({
  previous_status: status,
  previous_severity: severity,
  previous_type: type,
  previous_name: name,
  previous_labels: labels,
}: Evolved): Entry['previous'] {
  if (status === null || severity === null) return null;
  return {
    status,
    severity,
    ...(type !== null && { type }),
    ...(name !== null && { name: name || null }),
    ...(labels !== null && { labels }),
  };
}

/** Text may hold anything but NUL, which a dead letter's words may well quote. */
const withoutNul = (text: string): string => text.replaceAll('\0', '\ufffd');
