// The data that travels: plain types, constant lists and the order of fields, without a single import, so that a
// browser, a published package and a server can all share it. Every name here is snake_case because it is stored or
// sent under exactly this name.

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
export const CHANNELS = ['email', 'sms', 'whatsapp', 'webhook', 'push'] as const;
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

// ---- the log ----------------------------------------------------------------------------------------------------

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

/** The words in the order of their bits in the event log (`evolve_alert`). Append new ones at the end, and move none. */
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

// ---- deliveries ---------------------------------------------------------------------------------------------------

/** What became of a delivery. All but `pending` are final, until an operator redrives the delivery. */
export const DELIVERY_STATUSES = [
  'pending', // it waits for its time, its turn or its next attempt, or an attempt is under way
  'sent', // the provider has accepted it
  'failed', // refused for good, or given up after the last attempt
  'expired', // it became too old for its channel before it could be sent
  'cancelled', // the alert was acknowledged or resolved first, or the notification was cancelled
  'unknown', // the provider may have sent it, and sending it again could send it twice
  'superseded', // it was planned by a release that had no notifier
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** How an attempt ended. */
export const ATTEMPT_OUTCOMES = ['sent', 'retry', 'failed', 'unknown'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** Why an attempt or a delivery did not end with `sent`. The list is closed; the provider's own words are in `answer`. */
export const DELIVERY_REASONS = [
  'timeout', // no complete answer in time
  'connection_failed', // no connection, or it broke before anything could be accepted
  'connection_lost', // it broke when the provider may have accepted the message already
  'rate_limited', // the provider asks to send later
  'provider_error', // the provider's own fault (5xx)
  'rejected', // the provider refuses this message for good
  'unauthorized', // the provider does not accept our credentials
  'invalid_recipient', // the recipient does not exist or cannot be reached over this channel
  'gone', // the recipient has left for good (410)
  'blocked_address', // the address leads into a private network
  'redirected', // the address redirects, and redirects are not followed
  'answer_too_large', // the answer exceeds its limit
  'not_configured', // the channel has no provider
  'template_failed', // the text could not be made
  'unsubscribed', // the recipient wants no more messages
  'endpoint_disabled', // the webhook failed for days and is switched off
  'worker_lost', // the notifier died or was suspended during the attempt
  'too_old', // it is older than its channel allows
  'alert_over', // the alert was acknowledged or resolved
  'by_request', // a user cancelled it
] as const;
export type DeliveryReason = (typeof DELIVERY_REASONS)[number];

/**
 * What the provider of phone messages reports after it has accepted a message. A later word of this list is not taken
 * back by an earlier one, in whichever order the reports arrive.
 */
export const PROVIDER_STATUSES = [
  'sent', // the carrier has it
  'undelivered', // it did not arrive, and will not
  'delivered', // it is on the phone
  'read', // WhatsApp only: it was opened
] as const;
export type ProviderStatus = (typeof PROVIDER_STATUSES)[number];

/** One attempt to send a delivery. It is on record before the provider is called. */
export interface DeliveryAttempt {
  /** 1, 2, 3 … */
  attempt: number;
  begun_at: string;
  /** The fields below are null while the attempt is under way. */
  ended_at: string | null;
  outcome: AttemptOutcome | null;
  reason: DeliveryReason | null;
  /** What the provider answered: its first 1,000 characters, as text. */
  answer: string | null;
  /** The provider's own id of the message. */
  provider_id: string | null;
}

/** One message to one recipient over one channel. */
export interface Delivery {
  delivery_id: string;
  tenant_id: string;
  /** The alert and the number of the entry that it tells of; null when it belongs to a notification. */
  alert_id: string | null;
  seq: number | null;
  notification_id: string | null;
  channel: Channel;
  recipient: string;
  status: DeliveryStatus;
  reason: DeliveryReason | null;
  created_at: string;
  /** When the next attempt is due; null when no attempt follows. */
  due_at: string | null;
  /** When it got its final status; null while it is pending. */
  settled_at: string | null;
  /** For SMS and WhatsApp: what the provider has reported since, its own error code, and when. Null: nothing yet. */
  provider_status: ProviderStatus | null;
  provider_code: string | null;
  provider_status_at: string | null;
  /** The oldest first. */
  attempts: DeliveryAttempt[];
}

/** A page of a tenant's deliveries, the newest first. */
export interface DeliveryPage {
  deliveries: Delivery[];
  /**
   * Asks for the next page; null: there is none. A page looks at a bounded number of deliveries, so that one with a
   * `next` may be short or empty.
   */
  next: string | null;
}

/** What became of a redrive of many deliveries. */
export interface Redriven {
  /** How many are sent again. */
  redriven: number;
  /** Continues with the rest of the same set; null: nothing is left. */
  next: string | null;
}

/** Who is told of alerts whose messages name no recipients: severity → channel → addresses. What is absent tells nobody. */
export type Recipients = Partial<Record<Severity, Partial<Record<Channel, string[]>>>>;

export interface TenantRecipients {
  tenant_id: string;
  recipients: Recipients;
}

// ---- notifications ------------------------------------------------------------------------------------------------

/** What became of a notification. */
export const NOTIFICATION_STATUSES = [
  'scheduled', // it waits for its time
  'gathered', // it is part of a digest, and is told with it
  'started', // its deliveries are made
  'done', // and all of them are settled
  'cancelled', // it was taken back
] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

/** The clocks of a place, as the sender meant them. */
export interface LocalTime {
  /** YYYY-MM-DD. */
  date: string;
  /** HH:MM or HH:MM:SS. */
  time: string;
  /** A name of the IANA database, such as Europe/Berlin. */
  time_zone: string;
  /** Of a time that comes twice, when clocks are set back: the first one (default) or the second. */
  fold?: 'earlier' | 'later';
}

/** A number of days before a date, at a time of day. */
export interface TimeBefore extends LocalTime {
  /** 0 to 730. */
  days: number;
}

/** How a notification's time was asked for, where it was not as an instant. `tz`: the version of the laws that were applied. */
export type AskedTime = ({ local: LocalTime } | { before: TimeBefore }) & { tz: string };

/** A message to people that belongs to no alert: somebody asked for it, for now or for a time. */
export interface Notification {
  notification_id: string;
  tenant_id: string;
  title: string;
  message: string | null;
  severity: Severity;
  status: NotificationStatus;
  channels: Channel[];
  recipients: string[];
  /** The instant that decides when it starts. */
  due_at: string;
  asked_for: AskedTime | null;
  /** Set in a notification of a digest, and in the digest itself, which has `digest_of`. */
  digest: { key: string; every_seconds: number } | null;
  /** In a digest: how many notifications it stands for. */
  digest_of: number | null;
  /** In a notification of a digest: the digest, which is a notification too. */
  digest_id: string | null;
  created_at: string;
  /** The user or service whose token asked for it. */
  created_by: string;
  started_at: string | null;
  /** When it was done or cancelled, and who cancelled it. */
  ended_at: string | null;
  ended_by: string | null;
}

/** A notification with what was made of it. */
export interface NotificationDetail extends Notification {
  deliveries: Delivery[];
}

export interface NotificationPage {
  notifications: Notification[];
  /** Asks for the next page; null: there is none. */
  next: string | null;
}

/** The answer to a cancellation. */
export interface CancelledNotification extends Notification {
  /** What became of its deliveries. `under_way`: an attempt has begun and cannot be taken back. */
  counts: { cancelled: number; sent: number; under_way: number; other: number };
}

// ---- webhook endpoints --------------------------------------------------------------------------------------------

/** How a webhook's body is written: for a program that verifies signatures, or for a chat that people read. */
export const WEBHOOK_FORMATS = ['standard', 'slack', 'teams', 'telegram', 'ntfy'] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

/** Why an endpoint is switched off. */
export const ENDPOINT_DISABLED_REASONS = [
  'gone', // it answered 410
  'failing', // nothing but failures for days
  'by_request', // a user switched it off
] as const;
export type EndpointDisabledReason = (typeof ENDPOINT_DISABLED_REASONS)[number];

/** An address to which a tenant's webhooks are posted. It exists from its first use, or from its first configuration. */
export interface WebhookEndpoint {
  endpoint_id: string;
  tenant_id: string;
  url: string;
  /** Null: chosen by the host of the address. */
  format: WebhookFormat | null;
  /** The names of the headers that are sent in addition. Their values are secrets and are never shown. */
  header_names: string[];
  /** 1, 2, 3 …: how often a secret was made. */
  secret_version: number;
  /** When the present secret replaced the one before, which signs beside it for 24 hours; null: never. */
  rotated_at: string | null;
  /** Since when every attempt has failed; null when the last one succeeded. */
  failing_since: string | null;
  /** Since when nothing is sent; null while it is on. */
  disabled_at: string | null;
  disabled_reason: EndpointDisabledReason | null;
  /** The user who configured it; null while nobody has. */
  owner: string | null;
  created_at: string;
}

/** What a receiver needs to verify signatures. */
export interface WebhookSecret {
  endpoint_id: string;
  /** `whsec_` and base64, as Standard Webhooks writes it. */
  secret: string;
  secret_version: number;
  /** The secret before it, while it still signs too; null otherwise. */
  previous_secret: string | null;
  previous_until: string | null;
}

// ---- push -------------------------------------------------------------------------------------------------------

/** A browser's subscription, with the fields of a page's `PushSubscription.toJSON()`. */
export interface PushKeys {
  /** The address of the browser's push service. Whoever knows it can send to it, so it is treated as a secret. */
  endpoint: string;
  /** The browser's public key and its secret for this subscription, in base64url. */
  p256dh: string;
  auth: string;
}

/** The body of `PUT /api/v1/push`. */
export interface PushSubscribe extends PushKeys {
  /** For which tenants of the user. Default: all. It replaces what this browser was subscribed to before. */
  tenants?: string[];
}

/** One browser of the user. */
export interface PushBrowser {
  /** SHA-256 of the endpoint, in hexadecimal: a page recognises its own browser by it. */
  browser_id: string;
  tenants: string[];
  /** When it last said that it is subscribed. */
  renewed_at: string;
  /** Without another renewal it is forgotten then. */
  expires_at: string;
}

/** What `GET`, `PUT` and `DELETE /api/v1/push` answer. */
export interface PushState {
  /** The key with which a page subscribes (base64url); null: this Tocsin sends no push messages. */
  public_key: string | null;
  browsers: PushBrowser[];
}

/** What a service worker gets, encrypted for it. */
export interface PushPayload {
  delivery_id: string;
  tenant_id: string;
  /** The alert and its entry; null for a notification. */
  alert_id: string | null;
  seq: number | null;
  severity: Severity;
  title: string;
  body: string;
  /** When the delivery was planned, in milliseconds since 1970. */
  at: number;
}

// ---- the API ----------------------------------------------------------------------------------------------------

/** The fields that an alert and its newest entry have in common. */
export interface DescribedAlert
  extends
    AlertWords,
    Pick<EntryCause, 'tenant_id' | 'service' | 'dedup_key'>,
    Omit<EntryState, 'seq' | 'change' | 'folded' | 'received_at'> {}

/** An alert as it is now, as lists show it. Its history is the entries with its `alert_id`. */
export interface Alert extends DescribedAlert {
  /** The person who last changed its status, and when; null when a person did not. */
  actor: string | null;
  acted_at: string | null;
  /** The number of its newest entry. Entries of the stream up to this number are included already. */
  last_seq: number;
}

/** Makes an alert from its parts, without any other field of theirs. */
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
  /** What the alerts do not have: `name`, or `label.<key>`. */
  without?: string[];
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

/** What alerts can be grouped by; beside these, `label.<key>`. */
export const ALERT_GROUPINGS = ['service', 'name', 'tenant'] as const;

/** Asks for the alerts of a list in groups. The groups have the order of the list. */
export interface AlertGroupSearch extends AlertFilter {
  /** One of `ALERT_GROUPINGS`, or `label.<key>`. */
  by: string;
  /**
   * `newest`: by the newest alert of each group. `severity`: by the worst severity, among equals the newest. `oldest`: by
   * the oldest alert.
   */
  order?: AlertOrder;
  /** 1 to 200, default 50. */
  limit?: number;
  /** The `next` of the previous page. */
  after?: string;
}

/** The alerts of a list that share a service, a name, a tenant or the value of a label. */
export interface AlertGroup {
  /** The shared value; null: the alerts have no name, or no such label. */
  key: string | null;
  /** The worst severity in the group. */
  severity: Severity;
  alerts: number;
  /** How many of `alerts` somebody is on: they are acknowledged or assigned. */
  taken: number;
  /** The alert that was first seen last. */
  newest: { alert_id: string; tenant_id: string; title: string };
  /** When the oldest and the newest alert of the group were first seen. */
  oldest_at: string;
  newest_at: string;
}

export interface AlertGroupPage {
  groups: AlertGroup[];
  /** Asks for the next page; null: there is none. A group that changes meanwhile can be on both pages, or on neither. */
  next: string | null;
  /** False: so many alerts match that only the newest were grouped. There may be more groups, and more alerts in each. */
  complete: boolean;
  /** The stream position of this page. */
  cursor: string;
}

/** Counts by value, each facet without its own filter, so that a user sees the other choices. */
export interface AlertFacets {
  status: Record<string, number>;
  severity: Record<string, number>;
  service: Record<string, number>;
  type: Record<string, number>;
  tenant: Record<string, number>;
  /** The snoozed alerts by severity, with every filter except the status: they are apart from what is open. */
  snoozed: Record<string, number>;
  /**
   * False: so many alerts match that the counts are lower bounds. It speaks of the statuses that the search asks for: the
   * counts of other statuses may be lower bounds either way.
   */
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
  /** Alerts that are not resolved and match the filter, by severity and by status. */
  open: { severity: Record<Severity, number>; status: Record<string, number> };
  /** Alerts that match the filter, first seen in each bucket, by severity; the oldest first. */
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
