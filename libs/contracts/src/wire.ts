// The data that travels: plain types and constant lists, without a single import, so that a browser, a published
// package and a server can all share it. Every name here is snake_case because it is stored or sent under exactly this
// name.

/** How urgent an alert is, the most severe first. */
export const SEVERITIES = ['urgent', 'high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The kind of a producer's message. It is the first part of a routing key. */
export const ALERT_TYPES = ['alert', 'recommendation', 'notification'] as const;
export type AlertType = (typeof ALERT_TYPES)[number];

/** The statuses that a producer may send. People set the other two. */
export const MESSAGE_STATUSES = ['firing', 'resolved'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** The statuses that an alert can have. */
export const ALERT_STATUSES = ['firing', 'acknowledged', 'snoozed', 'resolved'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

/** The channels on which a delivery can reach a recipient. */
export const CHANNELS = ['email', 'sms', 'whatsapp', 'webhook'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What an entry of the event log says happened to its alert. */
export const CHANGES = [
  'raised', // a new alert
  'reopened', // the alert was resolved and fires again
  'severity_raised', // the alert is open and more severe than before
  'severity_lowered', // the alert is open and less severe than before
  'repeated', // the alert is open and fires again unchanged
  'resolved', // the producer says that the alert is over
  // the message is older than the producer's newest one: it is recorded, and sets only what no newer message has set
  'stale',
  // what people do, with `actor` set; `resolved` and `reopened` can be acts of people too
  'acknowledged',
  'unacknowledged',
  'snoozed',
  'unsnoozed', // without an actor: the snooze is over, and the alert rings again
  'assigned',
  'noted',
] as const;
export type Change = (typeof CHANGES)[number];

/**
 * The changes that ring when a producer makes them: they are shown as an alert instead of an update, and only they plan
 * deliveries.
 */
export const RINGING_CHANGES = ['raised', 'reopened', 'severity_raised'] as const satisfies readonly Change[];

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
 * One numbered entry of a tenant's event log. SSE, Redis and REST use the same shape. Times are ISO 8601, UTC,
 * milliseconds.
 */
export interface Entry {
  tenant_id: string;
  /** 1, 2, 3 … within the tenant, without holes. */
  seq: number;
  /** The producer's own id of the message; for a person's act, an id that Tocsin makes. */
  event_id: string;
  /** Tocsin's id of the alert that this entry is about (UUIDv7). */
  alert_id: string;
  change: Change;
  /** The alert's status and severity after this entry. */
  status: AlertStatus;
  severity: Severity;
  /** The alert before this entry; null when it is new. Type, name and labels are given only where they changed. */
  previous: {
    status: AlertStatus;
    severity: Severity;
    type?: AlertType;
    name?: string | null;
    labels?: Record<string, string>;
  } | null;
  type: AlertType;
  service: string;
  name: string | null;
  title: string;
  message: string | null;
  /** How many messages the alert consists of, including folded ones. */
  occurrences: number;
  /** How many repeats since the alert's last entry are recorded without an entry of their own. */
  folded: number;
  /** The producer's time of this message; null when neither the message nor the transport has one. */
  occurred_at: string | null;
  received_at: string;
  dedup_key: string | null;
  first_seen_at: string;
  last_seen_at: string;
  labels: Record<string, string>;
  actions: AlertAction[];
  metadata: Record<string, unknown>;
  assignee: string | null;
  snoozed_until: string | null;
  /** The user, when a person made the change. */
  actor: string | null;
  /** The note of that person. */
  note: string | null;
  trace_id: string | null;
}

// ---- the stream -------------------------------------------------------------------------------------------------

/**
 * The SSE event names. Frontends of the original system listen to `inventory_alert` and `notification`, and together
 * the two carry every alert. No event is called `error` or `open`: those names are EventSource's own.
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
/** The three events that carry an entry. */
export type EntryEvent = Extract<StreamEvent, 'inventory_alert' | 'notification' | 'alert_update'>;

/** Whether a stream continues where its client stopped. `gap`: entries were missed or may have been missed. */
export const VERDICTS = ['fresh', 'resumed', 'gap'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Why a stream could not resume a tenant. */
export const GAP_REASONS = [
  'malformed_cursor', // it is not a cursor of Tocsin's, or longer than one can be
  'foreign_cursor', // it names other tenants than this stream's
  'history_replaced', // the event log is not the one that the cursor was made from: it was restored or recreated
  'window_exceeded', // more entries were missed than one stream replays
  'retention', // the entries after it are deleted
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
  /**
   * How many entries are replayed before the stream is live. From a cursor or a time, entries that the filter leaves
   * out count too.
   */
  behind: number;
  /**
   * With `?since=N`, when fewer than N entries were found that pass the filter and older ones may pass too: how many of
   * the newest entries were searched. Else null.
   */
  searched: number | null;
}

export interface HeartbeatFrame {
  server_time: string;
  /** When the position of this stream's tenants in the event log was last confirmed. */
  checked_at: string;
}

export interface ResetFrame {
  tenant_id: string;
  reason: GapReason;
  /** The address from which the client loads the present state. */
  snapshot: string;
}

/** What a client should do after a `close` frame. */
export const CLOSE_ACTIONS = ['reauthenticate', 'reconnect', 'stop'] as const;
export type CloseAction = (typeof CLOSE_ACTIONS)[number];

/** Why a stream ended or was refused for now, and what its client should do then. */
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
  /** How long the client should wait before it reconnects, in milliseconds. */
  retry_ms: number;
}

// ---- the API ----------------------------------------------------------------------------------------------------

/** An alert as it is now, as lists show it. Its history is the entries with its `alert_id`. */
export interface Alert {
  tenant_id: string;
  alert_id: string;
  status: AlertStatus;
  severity: Severity;
  type: AlertType;
  service: string;
  name: string | null;
  title: string;
  message: string | null;
  /** How many messages the alert consists of, including folded ones. */
  occurrences: number;
  dedup_key: string | null;
  first_seen_at: string;
  last_seen_at: string;
  labels: Record<string, string>;
  actions: AlertAction[];
  metadata: Record<string, unknown>;
  assignee: string | null;
  snoozed_until: string | null;
  /** The person who last changed its status, and when; null when a person did not. */
  actor: string | null;
  acted_at: string | null;
  /** The number of its newest entry. Entries of the stream up to this number are included already. */
  last_seq: number;
}

/**
 * Selects alerts, as query parameters (lists separated by commas) and as the body of a search (lists). A field that is
 * left out selects everything.
 */
export interface AlertFilter {
  tenant?: string[];
  status?: AlertStatus[];
  severity?: Severity[];
  service?: string[];
  type?: AlertType[];
  name?: string[];
  /** Users, or `none`; `me` is the caller. */
  assignee?: string[];
  /** `label.<key>=<value>` in a query. */
  labels?: Record<string, string>;
  /** First seen at or after `from`, and before `to`. ISO 8601. */
  from?: string;
  to?: string;
  /** Words that title, message or name contain, all of them. Case does not matter. */
  q?: string;
}

/**
 * `newest`: by the time they were first seen. `severity`: the most severe first, among equals the newest. `oldest`: the
 * longest open first.
 */
export const ALERT_ORDERS = ['newest', 'severity', 'oldest'] as const;
export type AlertOrder = (typeof ALERT_ORDERS)[number];

export interface AlertSearch extends AlertFilter {
  order?: AlertOrder;
  /** 1 to 200, default 50. */
  limit?: number;
  /** The `next` of the previous page. */
  after?: string;
  /** Whether to count by facet. Default false. */
  facets?: boolean;
}

/** Counts by value, each facet without its own filter, so that a user sees the other choices. */
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
  /** Asks for the next page; null: there is none. A page with a `next` may be short or empty: see `searched`. */
  next: string | null;
  /** The stream position of this page. A stream from there on misses nothing that is not in the page. */
  cursor: string;
  facets?: AlertFacets;
  /**
   * How far this page searched, with conditions beyond tenant, status, severity and time: a page searches a bounded
   * number of alerts. All matching alerts up to `reached` in the list's order are in this page and those before; `next`
   * continues after it. `complete`: there is nothing left to search.
   */
  searched?: { reached: AlertPlace | null; complete: boolean };
}

/** An alert's place in a list. It does not change while the alert exists, except for its severity. */
export interface AlertPlace {
  severity: Severity;
  first_seen_at: string;
  alert_id: string;
}

/** Entries of the event log, of one alert or of a tenant, with their position. */
export interface EntryPage {
  events: Entry[];
  next: string | null;
  cursor: string;
}

export interface TenantsPage {
  tenants: { tenant_id: string; name: string; role: string }[];
}

/** What a person may do with an alert. Each act can be undone by another, except a note, which is a record. */
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

/** The statuses that an act requires, and the status that it sets. Null: any status, and the status stays. */
export interface ActRule {
  from: readonly AlertStatus[] | null;
  to: AlertStatus | null;
  change: Change;
}

/**
 * The conditions of the acts. They are on the status alone: other changes meanwhile, such as repeats or another
 * severity, refuse no act. So an act that an alert's status allows can always be made.
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
  /** With `snooze`: the end of the snooze. ISO 8601, at most 30 days ahead. */
  until?: string;
  /** With `assign`: a user; null removes the assignee. */
  assignee?: string | null;
  /** With `assign`: the assignee that the caller expects; another one is a conflict. */
  from_assignee?: string | null;
  /** With any act, required with `note`: up to 2,000 characters. */
  note?: string;
}

/** The body of `PATCH /api/v1/alerts`: the same for up to 200 alerts by id. */
export interface BulkAct extends AlertAct {
  alert_ids: string[];
}

/**
 * The result for each alert: the alert as it is now, or the reason (`not_found`, `alert_conflict`, `role_forbidden`).
 */
export interface BulkActed {
  alerts: Alert[];
  refused: { alert_id: string; code: string; detail: string }[];
}

/** How far a user has seen each tenant's log: entries after it are new on every device. */
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
  /** What is wrong and where, as JSON pointers into the body or names of parameters: the first 20. */
  errors?: { pointer?: string; parameter?: string; code: string; detail: string }[];
  /** How many more errors were found beyond the first 20. */
  more_errors?: number;
  /** With `alert_conflict`: the alert as it is now. */
  alert?: Alert;
  /**
   * With `publish_failed`: the ids of the messages that the queue has confirmed. It is safe to send all of them again.
   */
  confirmed?: string[];
}
