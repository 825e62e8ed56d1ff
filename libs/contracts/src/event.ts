import {
  alertsScreens,
  entryOf,
  type AlertType,
  type Change,
  type EntryEvent,
  type Entry,
  type Severity,
} from './wire';
import type { PlannedDelivery } from './delivery';
import { jsonLine } from './json-line';
import type { TenantId } from './tenant';
import type { TraceContext } from './trace-context';
import type { ValidMessage } from './valid-message';

/** A valid message with everything that the event log needs to store it. `plan` makes it. */
export interface PlannedEvent {
  message: ValidMessage;
  /** Distinguishes a repetition of the same message from another message with the same id. */
  body_hash: string;
  trace_id: string | null;
  /** The span that the entry continues, if its trace is sampled. It is kept with the entry. */
  span_id?: string | undefined;
  deliveries: readonly PlannedDelivery[];
}

/** When repeats of an open alert are folded, which means counted without an entry of their own. */
export interface Folding {
  /**
   * How many repeats within a window get an entry of their own. 0: none does, and one entry at the window's end reports
   * all of them.
   */
  after: number;
  /** A window begins with a repeat and has a fixed length. 0: nothing is folded. */
  windowMs: number;
}

export const FOLDING: Folding = { after: 10, windowMs: 10_000 };

/**
 * A position in a tenant's event log. `fp` is drawn at random when the entry is stored, so an equal `fp` proves an
 * equal history.
 */
export interface LogPosition {
  epoch: string;
  /** 0 is the position before the first entry, and its `fp` is `0`. */
  seq: number;
  fp: string;
}

/** A stored entry with its position. */
export interface StoredEvent extends LogPosition {
  /**
   * The `fp` of the entry before it (`0` for the first), as the event log knew it when it stored this one. It links a
   * hint to the history that it continues. Null for an entry that was read from the log, because the entry before it
   * was read too.
   */
  prev_fp: string | null;
  entry: Entry;
  /** The span that the entry continues, if its trace is sampled. */
  trace?: TraceContext | undefined;
}

/**
 * The fields that filters check first: the alert after the change, and its earlier values where they differ. They
 * travel with a hint.
 */
export interface FilterFields {
  severity: Severity;
  /** Null: the alert is new. */
  previous_severity: Severity | null;
  type: AlertType;
  previous_type?: AlertType;
  service: string;
}

/** The fields that some filters need as well. They are in the entry only. */
export type FilterWords = Pick<Entry, 'name' | 'labels' | 'previous'>;

/**
 * Which entries a stream wants. A field that is null or absent admits all. A change passes if the complete alert
 * matched before it or matches after it.
 */
export interface StreamFilter {
  severity: readonly string[] | null;
  type: readonly string[] | null;
  service: readonly string[] | null;
  name?: readonly string[] | null;
  /** The alert has all of these labels, with these values. */
  labels: Readonly<Record<string, string>> | null;
}

/** Whether a filter needs fields that are in the entry only. */
export const asksForWords = ({ name, labels }: StreamFilter): boolean => Boolean(name ?? labels);

/**
 * Whether an entry passes a filter. Streams, replay and log queries all decide here. The alert before and the alert
 * after the change are checked separately: an alert that was urgent in the south and is low in the north does not pass
 * as urgent in the north. Without `words` it decides by `fields` alone: an entry that fails then fails with `words`
 * too.
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

/** When an entry passed the processor, by its clock, in epoch milliseconds. */
export interface HopTimes {
  /** Its message was taken off the queue. */
  taken: number;
  /** It was stored. */
  stored: number;
}

/**
 * What a gateway keeps and sends of an entry: its position, the fields for filters, and its `data` line as bytes.
 * `data` is null when the hint came without it; the gateway then reads it from the event log.
 */
export interface Hint extends LogPosition {
  prev_fp: string | null;
  event: EntryEvent;
  filter: FilterFields;
  data: Buffer | null;
  /** The span that the entry continues, if its trace is sampled. */
  trace?: TraceContext | undefined;
  /** Where the processor traces it. An entry that was read from the log has none. */
  hops?: HopTimes | undefined;
}

/** The SSE event name of an entry. */
export function eventNameOf(entry: {
  change: Change;
  service: string;
  type: AlertType;
  actor: string | null;
}): EntryEvent {
  if (!alertsScreens(entry)) return 'alert_update';
  return entry.service === 'inventory' && entry.type === 'alert' ? 'inventory_alert' : 'notification';
}

export const filterFieldsOf = ({ severity, previous, type, service }: Entry): FilterFields => ({
  severity,
  previous_severity: previous?.severity ?? null,
  type,
  ...(previous?.type !== undefined && { previous_type: previous.type }),
  service,
});

/**
 * The `data` line of an entry. Only this function renders one, for publishing and for replay. It holds no line break
 * that any client could see.
 */
export function renderData(entry: Entry): string {
  return jsonLine(entryOf(entry, entry, entry, entry.previous && previousOf(entry.previous)));
}

/** The fields of `previous`, in this order. */
const previousOf = ({ status, severity, type, name, labels }: NonNullable<Entry['previous']>): Entry['previous'] => ({
  status,
  severity,
  type,
  name,
  labels,
});

/** The hint of an entry that was read from the event log instead of received from the bus. */
export const hintOf = ({ epoch, seq, fp, prev_fp, entry, trace }: StoredEvent): Hint => ({
  epoch,
  seq,
  fp,
  prev_fp,
  event: eventNameOf(entry),
  filter: filterFieldsOf(entry),
  data: Buffer.from(renderData(entry)),
  trace,
});

/** A tenant's present position in the event log. Entries up to and including `floor_seq` may be deleted. */
export interface StreamHead extends LogPosition {
  tenant_id: TenantId;
  floor_seq: number;
}

/** A message that could not be stored because of its own content. */
export interface DeadLetter {
  /** Null when the message has no valid tenant: only operators can see it then. */
  tenant_id: TenantId | null;
  reason: string;
  detail: string;
  /** The body as it was received, at most 64 KiB of it. */
  body: Buffer;
  routing_key: string | null;
  /** The AMQP `message_id` and timestamp (epoch seconds), if there were any. A redrive repeats them. */
  message_id?: string | null;
  message_timestamp?: number | null;
  /**
   * How the body is compressed, and the headers that describe the message (`tellingHeaders`). A redrive repeats them
   * too.
   */
  content_encoding?: string | null;
  headers?: Readonly<Record<string, unknown>> | null;
}
