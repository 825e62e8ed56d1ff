import { RINGING_CHANGES, type AlertType, type Change, type EntryEvent, type Entry, type Severity } from './wire';
import type { PlannedDelivery } from './delivery';
import { jsonLine } from './json-line';
import type { TenantId } from './tenant';
import type { ValidMessage } from './valid-message';

/** A valid message with all that the log needs to store it: what `plan` makes of it. */
export interface PlannedEvent {
  message: ValidMessage;
  /** Tells the same message sent again from another one under its id. */
  body_hash: string;
  trace_id: string | null;
  deliveries: readonly PlannedDelivery[];
}

/** From when on repeats of an open alert are folded. */
export interface Folding {
  /** Repeats that get an entry of their own within a window. 0: none does, and the window's end tells of all of them. */
  after: number;
  /** A window begins with a repeat and does not slide. 0: nothing is folded. */
  windowMs: number;
}

export const FOLDING: Folding = { after: 10, windowMs: 10_000 };

/** A position in a tenant's log. `fp` is drawn at random when the entry is stored, so an equal one proves an equal history. */
export interface LogPosition {
  epoch: string;
  /** 0 stands before the first entry; its `fp` is `0`. */
  seq: number;
  fp: string;
}

/** A stored entry with its position. */
export interface StoredEvent extends LogPosition {
  /**
   * The `fp` of the entry before it (`0` for the first), as the log knew it when it stored this one: what links a hint to
   * the history that it continues. Null for an entry that was read, where the one before it was read too.
   */
  prev_fp: string | null;
  entry: Entry;
}

/** What filters look at first: the alert after the change, and what it was before where that differs. It travels with a hint. */
export interface FilterFields {
  severity: Severity;
  /** Null: it is new. */
  previous_severity: Severity | null;
  type: AlertType;
  previous_type?: AlertType;
  service: string;
}

/** What some filters ask for beside: it is in the entry alone. */
export type FilterWords = Pick<Entry, 'name' | 'labels' | 'previous'>;

/** Which entries a stream wants. What is null or absent wants all; a change passes if its alert, as a whole, matched before or after it. */
export interface StreamFilter {
  severity: readonly string[] | null;
  type: readonly string[] | null;
  service: readonly string[] | null;
  name?: readonly string[] | null;
  /** Labels that it has, with these values, all of them. */
  labels: Readonly<Record<string, string>> | null;
}

/** Whether a filter asks for what stands in the entry alone. */
export const asksForWords = ({ name, labels }: StreamFilter): boolean => Boolean(name ?? labels);

/**
 * Whether an entry passes: the one place that decides, for streams, replay and the log. Each side is judged by itself: what
 * was urgent in the south and is low in the north is no urgent one of the north. Without `words` it decides as far as
 * `fields` tell: what fails then, fails with them.
 */
export function passes(filter: StreamFilter, fields: FilterFields, words?: FilterWords): boolean {
  const { severity, previous_severity, type, previous_type = type, service } = fields;
  if (filter.service && !filter.service.includes(service)) return false;
  const is = (one: string, kind: string): boolean =>
    (!filter.severity || filter.severity.includes(one)) && (!filter.type || filter.type.includes(kind));
  if (is(severity, type) && (!words || passesWords(filter, words.name, words.labels))) return true;
  if (previous_severity === null || !is(previous_severity, previous_type)) return false;
  if (!words) return true;
  const { name = words.name, labels = words.labels } = words.previous ?? {};
  return passesWords(filter, name, labels);
}

const passesWords = (filter: StreamFilter, name: string | null, labels: Entry['labels']): boolean =>
  (!filter.name || (name !== null && filter.name.includes(name))) && passesLabels(filter.labels, labels);

/** Whether a whole entry passes. */
export const entryPasses = (filter: StreamFilter, entry: Entry): boolean =>
  passes(filter, filterFieldsOf(entry), entry);

export const passesLabels = (wanted: StreamFilter['labels'], labels: Entry['labels']): boolean =>
  !wanted || Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);

/**
 * What a gateway keeps and sends of an entry: its position, what filters need, and its `data` line as bytes.
 * `data` is null when the hint came without it; the log has it.
 */
export interface Hint extends LogPosition {
  prev_fp: string | null;
  event: EntryEvent;
  filter: FilterFields;
  data: Buffer | null;
}

/**
 * The SSE event name of an entry. What a person does rings on no screen; a snooze that is over does, as the alert did when it
 * was raised.
 */
export function eventNameOf(entry: {
  change: Change;
  service: string;
  type: AlertType;
  actor: string | null;
}): EntryEvent {
  const rings = entry.change === 'unsnoozed' || RINGING_CHANGES.some((change) => change === entry.change);
  if (!rings || entry.actor !== null) return 'alert_update';
  return entry.service === 'inventory' && entry.type === 'alert' ? 'inventory_alert' : 'notification';
}

export const filterFieldsOf = ({ severity, previous, type, service }: Entry): FilterFields => ({
  severity,
  previous_severity: previous?.severity ?? null,
  type,
  ...(previous?.type !== undefined && { previous_type: previous.type }),
  service,
});

/** The `data` line of an entry: the only place that renders one, for publishing and for replay alike. No line break inside, in any reading. */
export function renderData(entry: Entry): string {
  return jsonLine({
    tenant_id: entry.tenant_id,
    seq: entry.seq,
    event_id: entry.event_id,
    alert_id: entry.alert_id,
    change: entry.change,
    status: entry.status,
    severity: entry.severity,
    previous: entry.previous && previousOf(entry.previous),
    type: entry.type,
    service: entry.service,
    name: entry.name,
    title: entry.title,
    message: entry.message,
    occurrences: entry.occurrences,
    folded: entry.folded,
    occurred_at: entry.occurred_at,
    received_at: entry.received_at,
    dedup_key: entry.dedup_key,
    first_seen_at: entry.first_seen_at,
    last_seen_at: entry.last_seen_at,
    labels: entry.labels,
    actions: entry.actions,
    metadata: entry.metadata,
    assignee: entry.assignee,
    snoozed_until: entry.snoozed_until,
    actor: entry.actor,
    note: entry.note,
    trace_id: entry.trace_id,
  } satisfies Entry);
}

/** What stands in it, and in this order. */
const previousOf = ({ status, severity, type, name, labels }: NonNullable<Entry['previous']>): Entry['previous'] => ({
  status,
  severity,
  type,
  name,
  labels,
});

/** An entry as the gateway sends it, made from the log rather than from Redis. */
export const hintOf = ({ epoch, seq, fp, prev_fp, entry }: StoredEvent): Hint => ({
  epoch,
  seq,
  fp,
  prev_fp,
  event: eventNameOf(entry),
  filter: filterFieldsOf(entry),
  data: Buffer.from(renderData(entry)),
});

/** A tenant's position as the log has it now. Entries up to and including `floor_seq` may be deleted. */
export interface StreamHead extends LogPosition {
  tenant_id: TenantId;
  floor_seq: number;
}

/** A message that could not be stored for its own fault. */
export interface DeadLetter {
  /** Null when the message does not say, or does not say it validly: for operators alone. */
  tenant_id: TenantId | null;
  reason: string;
  detail: string;
  /** The message as it came, at most 64 KiB of it. */
  body: Buffer;
  routing_key: string | null;
  /** The AMQP `message_id` and timestamp (epoch seconds), when there were any: a redrive repeats them. */
  message_id?: string | null;
  message_timestamp?: number | null;
  /** How the body is compressed, and the headers that say what the message is: `tellingHeaders`. A redrive repeats them too. */
  content_encoding?: string | null;
  headers?: Readonly<Record<string, unknown>> | null;
}
