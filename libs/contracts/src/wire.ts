// What travels: plain types, constant lists and the order of fields, without a single import, so that a browser, a published package and a
// server can all share it. Every name here is snake_case because it is stored or sent under exactly this name.

/** How urgent an alert is, the most severe first. */
export const SEVERITIES = ['urgent', 'high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What kind of thing a producer says. The first part of a routing key. */
export const ALERT_TYPES = ['alert', 'recommendation', 'notification'] as const;
export type AlertType = (typeof ALERT_TYPES)[number];

/** What a producer may say about an alert's state. People reach the other two statuses. */
export const MESSAGE_STATUSES = ['firing', 'resolved'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** The state an alert can be in. */
export const ALERT_STATUSES = ['firing', 'acknowledged', 'snoozed', 'resolved'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

/** The ways a delivery can take to a recipient. */
export const CHANNELS = ['email', 'sms', 'whatsapp', 'webhook'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What an entry of the log says happened to its alert. */
export const CHANGES = [
  'raised', // a new alert
  'reopened', // it was resolved and fires again
  'severity_raised', // it is open and more severe than before
  'severity_lowered', // it is open and less severe than before
  'repeated', // it is open and fires again unchanged
  'resolved', // its producer says that it is over
  'stale', // a message older than its producer's newest word: on record, and decides only what no newer one has said
  // what people do, with `actor` set; `resolved` and `reopened` are theirs too
  'acknowledged',
  'unacknowledged',
  'snoozed',
  'unsnoozed', // without an actor: its time is over, and it rings again
  'assigned',
  'noted',
] as const;
export type Change = (typeof CHANGES)[number];

/** The changes that ring when a producer makes them: shown as an alert rather than as an update, and the only ones that plan deliveries. */
export const RINGING_CHANGES = ['raised', 'reopened', 'severity_raised'] as const satisfies readonly Change[];

/** A button that the producer offers beside its alert. A `url` is http or https. */
export interface AlertAction {
  label: string;
  url?: string;
  name?: string;
}

/**
 * An alert as a producer sends it, under the names that are ours. Others are understood, and so are other times than those of
 * ISO 8601 in UTC. Limits and defaults stand with the class that validates it, `AlertMessage`.
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
  /** It says what is so now, not what changed when. */
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
 * The fields of a message, in the order that its hash is taken in: a field that comes later stands last, and changes the hash
 * of no message without it.
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

// ---- the log ----------------------------------------------------------------------------------------------------

/** What an alert is called and says: its producer's words, each of which its newest message that says it decides. */
export interface AlertWords {
  type: AlertType;
  name: string | null;
  title: string;
  message: string | null;
  labels: Record<string, string>;
  actions: AlertAction[];
  metadata: Record<string, unknown>;
}

/** The words in the order of their bits in the log (`evolve_alert`): one that comes later stands last, and none moves. */
export const ALERT_WORDS = [
  'type',
  'name',
  'title',
  'message',
  'labels',
  'actions',
  'metadata',
] as const satisfies readonly (keyof AlertWords)[];

/** What an entry says of its alert beside the words. */
export interface EntryState {
  /** 1, 2, 3 … within the tenant, without holes. */
  seq: number;
  /** Our id of the alert that this entry is about (UUIDv7). */
  alert_id: string;
  change: Change;
  /** The alert's status and severity after this entry. */
  status: AlertStatus;
  severity: Severity;
  /** How many messages the alert consists of, folded ones included. */
  occurrences: number;
  /** How many repeats since the alert's last entry are on record without an entry of their own. */
  folded: number;
  received_at: string;
  first_seen_at: string;
  last_seen_at: string;
  assignee: string | null;
  snoozed_until: string | null;
}

/** What an entry says of the message, or of the person's act, that it tells of. */
export interface EntryCause {
  tenant_id: string;
  /** The producer's own id of the message; of a person's act, one that is ours. */
  event_id: string;
  service: string;
  /** The producer's time of this message; null when it names none, and the transport neither. */
  occurred_at: string | null;
  dedup_key: string | null;
  /** Who did it, when a person did. */
  actor: string | null;
  /** What that person had to say. */
  note: string | null;
  trace_id: string | null;
}

/** One numbered entry of a tenant's log: the same shape in SSE, Redis and REST. Times are ISO 8601, UTC, milliseconds. */
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

/** An entry of its parts, with its fields in the order in which they are sent. Words that a message does not say are null. */
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

// ---- the stream -------------------------------------------------------------------------------------------------

/**
 * The SSE event names. `inventory_alert` and `notification` are the two that frontends of the original system listen
 * to; together they carry every alert. There is never one called `error` or `open`: those are EventSource's own.
 */
export const STREAM_EVENTS = [
  'connection',
  'inventory_alert',
  'notification',
  'alert_update',
  'heartbeat',
  'reset',
  'close',
] as const;
export type StreamEvent = (typeof STREAM_EVENTS)[number];
/** The three that carry an entry. */
export type EntryEvent = Extract<StreamEvent, 'inventory_alert' | 'notification' | 'alert_update'>;

/** Whether a stream continues where its client left off. `gap`: entries were or may have been missed. */
export const VERDICTS = ['fresh', 'resumed', 'gap'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Why a stream could not resume a tenant. */
export const GAP_REASONS = [
  'malformed_cursor', // it is no cursor of ours, or longer than one can be
  'foreign_cursor', // it names other tenants than this stream's
  'history_replaced', // the log is not the one that the cursor was made from: restored, or recreated
  'window_exceeded', // more entries were missed than one stream replays
  'retention', // the entries that follow it are deleted
] as const;
export type GapReason = (typeof GAP_REASONS)[number];

export interface ConnectionFrame {
  /** The worst of the tenants' verdicts. */
  verdict: Verdict;
  tenants: TenantVerdict[];
  heartbeat_ms: number;
  server_time: string;
}

export interface TenantVerdict {
  tenant_id: string;
  name: string;
  verdict: Verdict;
  /** How many entries were missed for good; null when that cannot be known. 0 unless the verdict is `gap`. */
  missed: number | null;
  reason: GapReason | null;
  /** How many entries are replayed before the stream is live; from a cursor or a time, those that its filter leaves out included. */
  behind: number;
  /**
   * With `?since=N`, when fewer than N entries were found that pass the filter and there are older ones that may: how many of
   * the newest were searched. Else null.
   */
  searched: number | null;
}

export interface HeartbeatFrame {
  server_time: string;
  /** When the position of this stream's tenants in the log was last confirmed. */
  checked_at: string;
}

export interface ResetFrame {
  tenant_id: string;
  reason: GapReason;
  /** Where to load the present state from. */
  snapshot: string;
}

/** What a client is to do after a `close` frame. */
export const CLOSE_ACTIONS = ['reauthenticate', 'reconnect', 'stop'] as const;
export type CloseAction = (typeof CLOSE_ACTIONS)[number];

/** Why a stream ended, or why it was refused for now, and what its client is to do about it. */
export const CLOSE_REASONS = {
  token_expired: 'reauthenticate',
  revoked: 'stop',
  rotated: 'reconnect',
  slow: 'reconnect',
  draining: 'reconnect',
  at_capacity: 'reconnect',
  too_many_streams: 'reconnect',
  rate_limited: 'reconnect',
  store_unavailable: 'reconnect',
  tenant_service_unavailable: 'reconnect',
} as const satisfies Record<string, CloseAction>;
export type CloseReason = keyof typeof CLOSE_REASONS;

export interface CloseFrame {
  reason: CloseReason;
  action: CloseAction;
  /** How long to wait before coming back. */
  retry_ms: number;
}

// ---- the API ----------------------------------------------------------------------------------------------------

/** What an alert and its newest entry have in common. */
export interface DescribedAlert
  extends
    AlertWords,
    Pick<EntryCause, 'tenant_id' | 'service' | 'dedup_key'>,
    Omit<EntryState, 'seq' | 'change' | 'folded' | 'received_at'> {}

/** An alert as it stands now: what a list shows. Its history are the entries with its `alert_id`. */
export interface Alert extends DescribedAlert {
  /** Who last changed its status, when a person did, and when. */
  actor: string | null;
  acted_at: string | null;
  /** The number of its newest entry: an entry of the stream up to it is in this already. */
  last_seq: number;
}

/** An alert of its parts, and nothing else that they hold. */
export const alertOf = (
  described: DescribedAlert,
  { actor, acted_at, last_seq }: Omit<Alert, keyof DescribedAlert>,
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
  last_seq,
});

/** Which alerts are meant, as query parameters (lists by comma) and as the body of a search (lists). What is left out asks for nothing. */
export interface AlertFilter {
  tenant?: string[];
  status?: AlertStatus[];
  severity?: Severity[];
  service?: string[];
  type?: AlertType[];
  name?: string[];
  /** Users, or `none`; `me` is whoever asks. */
  assignee?: string[];
  /** `label.<key>=<value>` in a query. */
  labels?: Record<string, string>;
  /** First seen at or after it, and before it. ISO 8601. */
  from?: string;
  to?: string;
  /** Words that title, message or name contain, all of them, in any case. */
  q?: string;
}

/** `newest`: by when they were first seen. `severity`: the most severe first, of those the newest. `oldest`: longest open first. */
export const ALERT_ORDERS = ['newest', 'severity', 'oldest'] as const;
export type AlertOrder = (typeof ALERT_ORDERS)[number];

export interface AlertSearch extends AlertFilter {
  order?: AlertOrder;
  /** 1 to 200, default 50. */
  limit?: number;
  /** The `next` of the page before. */
  after?: string;
  /** Whether to count by facet; default false. */
  facets?: boolean;
}

/** Counts by value, each facet without its own filter, so that the other choices can be seen. */
export interface AlertFacets {
  status: Record<string, number>;
  severity: Record<string, number>;
  service: Record<string, number>;
  type: Record<string, number>;
  tenant: Record<string, number>;
  /** False: so many alerts match that the counts are lower bounds. */
  complete: boolean;
}

export interface AlertPage {
  alerts: Alert[];
  /** Asks for the page behind this one; null: there is none. A page that has one may be short, or empty: see `searched`. */
  next: string | null;
  /** The stream's position that goes with this page: a stream from there on misses nothing that is not in it. */
  cursor: string;
  facets?: AlertFacets;
  /**
   * How far this page looked, with conditions beyond tenant, status, severity and time: a page looks at so many alerts and no more.
   * All that match up to `reached` in the list's order are in it and the pages before; `next` goes on behind. `complete`: that was all.
   */
  searched?: { reached: AlertPlace | null; complete: boolean };
}

/** A place in a list: that of an alert. Nothing of it changes while the alert lives, but for its severity. */
export interface AlertPlace {
  severity: Severity;
  first_seen_at: string;
  alert_id: string;
}

/** Entries of the log, of one alert or of a tenant, with the position that goes with them. */
export interface EntryPage {
  events: Entry[];
  next: string | null;
  cursor: string;
}

export interface TenantsPage {
  tenants: { tenant_id: string; name: string; role: string }[];
}

/** What a person may do with an alert. Each undoes another, a note apart, which is a record. */
export const ACTS = [
  'acknowledge',
  'unacknowledge',
  'resolve',
  'reopen',
  'snooze',
  'unsnooze',
  'assign',
  'note',
] as const;
export type Act = (typeof ACTS)[number];

/** What an act asks of an alert's status, and what it makes of it. Null: any status, and none other. */
export interface ActRule {
  from: readonly AlertStatus[] | null;
  to: AlertStatus | null;
  change: Change;
}

/**
 * The conditions of the acts. They are on the status alone: whatever else happened to the alert meanwhile, repeats and
 * changes of its severity among them, refuses nobody. So a button that an alert's status allows can be pressed.
 */
export const ACT_RULES: Readonly<Record<Act, ActRule>> = {
  acknowledge: { from: ['firing', 'snoozed'], to: 'acknowledged', change: 'acknowledged' },
  unacknowledge: { from: ['acknowledged'], to: 'firing', change: 'unacknowledged' },
  resolve: { from: ['firing', 'acknowledged', 'snoozed'], to: 'resolved', change: 'resolved' },
  reopen: { from: ['resolved'], to: 'firing', change: 'reopened' },
  snooze: { from: ['firing', 'acknowledged', 'snoozed'], to: 'snoozed', change: 'snoozed' },
  unsnooze: { from: ['snoozed'], to: 'firing', change: 'unsnoozed' },
  assign: { from: null, to: null, change: 'assigned' },
  note: { from: null, to: null, change: 'noted' },
};

/** The body of `PATCH /api/v1/alerts/:id`. */
export interface AlertAct {
  act: Act;
  /** With `snooze`: until when. ISO 8601, at most 30 days ahead. */
  until?: string;
  /** With `assign`: a user; null for nobody. */
  assignee?: string | null;
  /** With `assign`: who it is assigned to as far as the caller knows; another one is a conflict. */
  from_assignee?: string | null;
  /** With any act, required with `note`: up to 2,000 characters. */
  note?: string;
}

/** The body of `PATCH /api/v1/alerts`: the same for up to 200 alerts by id. */
export interface BulkAct extends AlertAct {
  alert_ids: string[];
}

/** What became of each: the alert as it is now, or why not (`not_found`, `alert_conflict`, `role_forbidden`). */
export interface BulkActed {
  alerts: Alert[];
  refused: { alert_id: string; code: string; detail: string }[];
}

/** How far a user has seen each tenant's log: what is behind it is new on every device. */
export interface SeenCursor {
  tenants: { tenant_id: string; epoch: string; seq: number }[];
}

/** Counts for a chart. */
export interface AlertStats {
  /** Alerts that are not resolved, by severity and by status. */
  open: { severity: Record<Severity, number>; status: Record<string, number> };
  /** Alerts first seen in each bucket, by severity; the oldest first. */
  timeline: ({ at: string } & Record<Severity, number>)[];
  bucket_seconds: number;
  /** False: there are so many alerts that the counts are lower bounds. */
  complete: boolean;
  cursor: string;
}

/** An error's body: RFC 9457 problem+json. `code` is stable, from the closed list in `errors.ts`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  instance?: string;
  /** What was wrong where, as JSON pointers into the body, or names of parameters: the first 20. */
  errors?: { pointer?: string; parameter?: string; code: string; detail: string }[];
  /** How many more were found, when there are more than 20. */
  more_errors?: number;
  /** With `alert_conflict`: the alert as it is now. */
  alert?: Alert;
  /** With `publish_failed`: the ids of the messages that the queue has. Sending all of them again is safe. */
  confirmed?: string[];
}
