import type { AlertStatus, AlertType, Change, MessageStatus, Severity } from './alert-values';
import type { Channel } from './deliveries';

/** A button that the producer offers beside its alert. A `url` is http or https. */
export interface AlertAction {
  label: string;
  url?: string;
  name?: string;
}

/**
 * An alert as a producer sends it, under Tocsin's own names. The parser also understands other names, and other times
 * than ISO 8601 in UTC. The class that validates it, `AlertMessage`, defines the limits and defaults.
 */
export interface AlertMessageBody {
  tenant_id: string;
  service: string;
  severity: Severity;
  id?: string;
  type?: AlertType;
  name?: string;
  title?: string;
  message?: string;
  dedup_key?: string;
  status?: MessageStatus;
  /** The message describes the present state, not a change at a certain time. */
  snapshot?: boolean;
  /** ISO 8601 with milliseconds, UTC. */
  occurred_at?: string;
  labels?: Record<string, string>;
  actions?: AlertAction[];
  recipients?: string[];
  channels?: Channel[];
  metadata?: Record<string, unknown>;
  schema_version?: number;
}

/**
 * The fields of a message, in the order in which its hash takes them. Append a new field at the end: then it does not
 * change the hash of a message without it.
 */
export const MESSAGE_FIELDS = [
  'tenant_id',
  'service',
  'severity',
  'id',
  'type',
  'name',
  'title',
  'message',
  'dedup_key',
  'status',
  'snapshot',
  'occurred_at',
  'labels',
  'actions',
  'recipients',
  'channels',
  'metadata',
  'schema_version',
] as const satisfies readonly (keyof AlertMessageBody)[];

/** The description of an alert by its producer. The newest message that sets a field decides it. */
export interface AlertWords {
  type: AlertType;
  name: string | null;
  title: string;
  message: string | null;
  labels: Record<string, string>;
  actions: AlertAction[];
  metadata: Record<string, unknown>;
}

/**
 * The words in the order of their bits in the event log (`evolve_alert`). Append new ones at the end, and move none.
 */
export const ALERT_WORDS = [
  'type',
  'name',
  'title',
  'message',
  'labels',
  'actions',
  'metadata',
] as const satisfies readonly (keyof AlertWords)[];

/** The state of the alert in an entry, besides the words. */
export interface EntryState {
  /** 1, 2, 3 … within the tenant, without holes. */
  seq: number;
  /** Tocsin's id of the alert that this entry is about (UUIDv7). */
  alert_id: string;
  change: Change;
  /** The alert's status and severity after this entry. */
  status: AlertStatus;
  severity: Severity;
  /** How many messages the alert consists of, including folded ones. */
  occurrences: number;
  /** How many repeats since the alert's last entry are recorded without an entry of their own. */
  folded: number;
  received_at: string;
  first_seen_at: string;
  last_seen_at: string;
  assignee: string | null;
  snoozed_until: string | null;
}

/** The message, or the person's act, that caused an entry. */
export interface EntryCause {
  tenant_id: string;
  /** The producer's own id of the message; for a person's act, an id that Tocsin makes. */
  event_id: string;
  service: string;
  /** The producer's time of this message; null when neither the message nor the transport has one. */
  occurred_at: string | null;
  dedup_key: string | null;
  /** The user, when a person made the change. */
  actor: string | null;
  /** The note of that person. */
  note: string | null;
  trace_id: string | null;
}

/**
 * One numbered entry of a tenant's log: the same shape in SSE, Redis and REST. Times are ISO 8601, UTC, milliseconds.
 */
export interface Entry extends EntryCause, EntryState, AlertWords {
  /** The alert before it; null when it is new. Its type, name and labels stand here where they were others. */
  previous: {
    status: AlertStatus;
    severity: Severity;
    type?: AlertType;
    name?: string | null;
    labels?: Record<string, string>;
  } | null;
}

/** The same as a message has them: what may be null may be absent. */
export type SaidWords = {
  [Word in keyof AlertWords as null extends AlertWords[Word] ? never : Word]: AlertWords[Word];
} & { [Word in keyof AlertWords as null extends AlertWords[Word] ? Word : never]?: AlertWords[Word] | undefined };

/**
 * An entry of its parts, with its fields in the order in which they are sent. Words that a message does not say are
 * null.
 */
export const entryOf = (
  cause: EntryCause,
  state: EntryState,
  words: SaidWords,
  previous: Entry['previous'],
): Entry => ({
  tenant_id: cause.tenant_id,
  seq: state.seq,
  event_id: cause.event_id,
  alert_id: state.alert_id,
  change: state.change,
  status: state.status,
  severity: state.severity,
  previous,
  type: words.type,
  service: cause.service,
  name: words.name ?? null,
  title: words.title,
  message: words.message ?? null,
  occurrences: state.occurrences,
  folded: state.folded,
  occurred_at: cause.occurred_at,
  received_at: state.received_at,
  dedup_key: cause.dedup_key,
  first_seen_at: state.first_seen_at,
  last_seen_at: state.last_seen_at,
  labels: words.labels,
  actions: words.actions,
  metadata: words.metadata,
  assignee: state.assignee,
  snoozed_until: state.snoozed_until,
  actor: cause.actor,
  note: cause.note,
  trace_id: cause.trace_id,
});

/** The fields that an alert and its newest entry have in common. */
export interface DescribedAlert
  extends
    AlertWords,
    Pick<EntryCause, 'tenant_id' | 'service' | 'dedup_key'>,
    Omit<EntryState, 'seq' | 'change' | 'folded' | 'received_at'> {}

/** What an alert said while it was open: the message that resolves it often has other words. */
export interface AlertWhileOpen {
  title: string;
  message: string | null;
}

/** An alert as it is now, as lists show it. Its history is the entries with its `alert_id`. */
export interface Alert extends DescribedAlert {
  /** The person who last changed its status, and when; null when a person did not. */
  actor: string | null;
  acted_at: string | null;
  /**
   * Since when it is open, or was until it was resolved: when it was first seen or last opened again; null: not known.
   */
  opened_at: string | null;
  /** When it was resolved; null while it is not. Who did it is the `actor`, or else the service. */
  resolved_at: string | null;
  /**
   * Of a resolved alert: what it said while it was open. Null while it is open, and if it never was or that is deleted.
   */
  while_open: AlertWhileOpen | null;
  /** The number of its newest entry. Entries of the stream up to this number are included already. */
  last_seq: number;
}

/** Makes an alert from its parts, without any other field of theirs. */
export const alertOf = (
  described: DescribedAlert,
  { actor, acted_at, opened_at, resolved_at, while_open, last_seq }: Omit<Alert, keyof DescribedAlert>,
): Alert => ({
  tenant_id: described.tenant_id,
  alert_id: described.alert_id,
  status: described.status,
  severity: described.severity,
  type: described.type,
  service: described.service,
  name: described.name,
  title: described.title,
  message: described.message,
  occurrences: described.occurrences,
  dedup_key: described.dedup_key,
  first_seen_at: described.first_seen_at,
  last_seen_at: described.last_seen_at,
  labels: described.labels,
  actions: described.actions,
  metadata: described.metadata,
  assignee: described.assignee,
  snoozed_until: described.snoozed_until,
  actor,
  acted_at,
  opened_at,
  resolved_at,
  while_open,
  last_seq,
});
