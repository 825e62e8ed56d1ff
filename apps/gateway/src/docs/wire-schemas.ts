import {
  ALERT_STATUSES,
  ALERT_TYPES,
  ATTEMPT_OUTCOMES,
  CHANGES,
  CHANNELS,
  CLOSE_ACTIONS,
  CLOSE_REASONS,
  DELIVERY_REASONS,
  PROVIDER_STATUSES,
  DELIVERY_STATUSES,
  ENDPOINT_DISABLED_REASONS,
  ERROR_CODES,
  MAX_ERRORS,
  GAP_REASONS,
  NOTIFICATION_STATUSES,
  SEVERITIES,
  TENANT_ID_PATTERN,
  VERDICTS,
  WEBHOOK_FORMATS,
  type Alert,
  type AlertAction,
  type AlertFacets,
  type AlertGroup,
  type AlertGroupPage,
  type AlertPage,
  type AlertPlace,
  type AlertStats,
  type AlertWhileOpen,
  type BulkActed,
  type CancelledNotification,
  type CloseFrame,
  type ConnectionFrame,
  type Delivery,
  type DeliveryAttempt,
  type DeliveryPage,
  type Entry,
  type EntryPage,
  type HeartbeatFrame,
  type Notification,
  type NotificationDetail,
  type NotificationPage,
  type Problem,
  type Redriven,
  type PushBrowser,
  type PushState,
  type ResetFrame,
  type SeenCursor,
  type SignedIn,
  type SignedOut,
  type TenantRecipients,
  type TenantsPage,
  type TenantStats,
  type TenantStatsPage,
  type TenantVerdict,
  type WebhookEndpoint,
  type WebhookSecret,
} from '@tocsin/contracts';
import {
  anything,
  count,
  flag,
  integer,
  list,
  mapOf,
  nullable,
  object,
  oneOf,
  optional,
  ref,
  text,
  time,
  uuid,
  type Fields,
  type Schema,
} from '../description/json-schema';

const tenantId = text('The tenant that it belongs to.', { pattern: TENANT_ID_PATTERN.source });
const cursor = text('A position in the stream: send it as Last-Event-ID, or as last_event_id in the address.', {
  minLength: 1,
});

/** Fields that an entry and an alert have in common. */
const described = {
  tenant_id: tenantId,
  alert_id: uuid('Our id of the alert.'),
  status: oneOf(ALERT_STATUSES),
  severity: oneOf(SEVERITIES),
  type: oneOf(ALERT_TYPES),
  service: text('The service that raised the alert.'),
  name: nullable(text('What happened, as a slug.')),
  title: text('One line for people. It is text, never HTML.'),
  message: nullable(text('Text for people. It is text, never HTML.')),
  occurrences: integer('How many messages the alert consists of, including folded ones.', { minimum: 1 }),
  dedup_key: nullable(text("The producer's own key of the alert.")),
  first_seen_at: time(),
  last_seen_at: time(),
  labels: mapOf(text()),
  actions: list(ref('AlertAction')),
  metadata: anything('Other data of the producer.'),
  assignee: nullable(text('The user whom it is assigned to.')),
  snoozed_until: nullable(time()),
};

const notification: Fields<Notification> = {
  notification_id: uuid(),
  tenant_id: tenantId,
  title: text('One line for people. It is text, never HTML.'),
  message: nullable(text('Text for people. It is text, never HTML. Of a digest: the newest titles.')),
  severity: oneOf(SEVERITIES),
  status: oneOf(
    NOTIFICATION_STATUSES,
    'scheduled: it waits for its time. gathered: it is told with its digest. started: its deliveries are made. ' +
      'done: all of them are settled.',
  ),
  channels: list(oneOf(CHANNELS)),
  recipients: list(text()),
  due_at: time('The instant that decides when it starts.'),
  asked_for: nullable(anything('The local time that was asked for, if any, with the version of the time zone rules.')),
  digest: nullable(
    object<NonNullable<Notification['digest']>>({ key: text(), every_seconds: integer(undefined, { minimum: 1 }) }),
  ),
  digest_of: nullable(count('In a digest: the number of its notifications.')),
  digest_id: nullable(uuid('In a notification of a digest: the digest.')),
  created_at: time(),
  created_by: text('The user or service that asked for it.'),
  started_at: nullable(time()),
  ended_at: nullable(time('When it was done or cancelled.')),
  ended_by: nullable(text('Who cancelled it.')),
};

const counts = (description?: string) => mapOf(count(), description);
const bySeverity = { urgent: count(), high: count(), medium: count(), low: count() };

/**
 * Schemas of the plain types of `wire`, for programs that do not read TypeScript. The compiler checks the fields'
 * names, and tests check their contents.
 */
export const WIRE_SCHEMAS = {
  AlertAction: object<AlertAction>({
    label: text(),
    url: optional(text('http or https.', { format: 'uri' })),
    name: optional(text()),
  }),
  Entry: object<Entry>(
    {
      ...described,
      seq: integer('1, 2, 3 … within the tenant, without holes.', { minimum: 1 }),
      event_id: text("The producer's own id of the message."),
      change: oneOf(CHANGES, 'The change of the alert.'),
      previous: nullable(
        object<NonNullable<Entry['previous']>>(
          {
            status: oneOf(ALERT_STATUSES),
            severity: oneOf(SEVERITIES),
            type: optional(oneOf(ALERT_TYPES)),
            name: optional(nullable(text())),
            labels: optional(mapOf(text())),
          },
          {
            description:
              "The alert's state before; null when it is new. It includes type, name and labels only where they changed.",
          },
        ),
      ),
      folded: count('How many repeats since its last entry are on record without an entry of their own.'),
      occurred_at: nullable(time("The producer's time of this message; null when it names none.")),
      received_at: time('When it was stored.'),
      actor: nullable(text('Who did it, when a person did.')),
      note: nullable(text('What that person wrote about it.')),
      trace_id: nullable(text('W3C trace id of the message.')),
    },
    { description: "One numbered entry of a tenant's log: the same in streams and in the API." },
  ),
  Alert: object<Alert>(
    {
      ...described,
      actor: nullable(text('Who last changed its status, when a person did.')),
      acted_at: nullable(time('When.')),
      opened_at: nullable(time('Since when it is open, or was until it was resolved: first seen, or opened again.')),
      resolved_at: nullable(time('When it was resolved. Who did it is the actor, or else the service.')),
      while_open: nullable(
        object<AlertWhileOpen>(
          { title: text(), message: nullable(text()) },
          { description: 'Of a resolved alert: what it said while it was open. Null if that is not known.' },
        ),
      ),
      last_seq: integer('The number of its newest entry: an entry of the stream up to it is in this already.', {
        minimum: 0,
      }),
    },
    { description: 'An alert as it stands now.' },
  ),
  AlertFacets: object<AlertFacets>(
    {
      status: counts(),
      severity: counts(),
      service: counts(),
      type: counts(),
      tenant: counts(),
      snoozed: counts('The snoozed alerts by severity, with every filter except the status.'),
      complete: flag(
        'False: so many alerts match that the counts are lower bounds. The counts of statuses that the search does not ask for may be lower bounds either way.',
      ),
    },
    { description: 'Counts by value, each facet without its own filter.' },
  ),
  AlertPlace: object<AlertPlace>(
    {
      severity: oneOf(SEVERITIES),
      first_seen_at: time(),
      alert_id: uuid(),
      resolved_at: optional(nullable(time('Only in the order resolved.'))),
    },
    { description: "A place in a list, in the list's order." },
  ),
  AlertPage: object<AlertPage>({
    alerts: list(ref('Alert')),
    next: nullable(
      text('Send it as after to get the next page; null: there is none. A page with a next may be short or empty.'),
    ),
    cursor,
    facets: optional(ref('AlertFacets')),
    searched: optional(
      object<NonNullable<AlertPage['searched']>>(
        { reached: nullable(ref('AlertPlace')), complete: flag('Whether all alerts were searched.') },
        {
          description:
            'How far this page looked, with conditions beyond tenant, status, severity and time. All that match ' +
            'up to reached are in it and the pages before.',
        },
      ),
    ),
  }),
  AlertGroup: object<AlertGroup>(
    {
      key: nullable(text('The shared value; null: the alerts have no name, or no such label.')),
      severity: oneOf(SEVERITIES),
      alerts: integer('How many alerts it has.', { minimum: 1 }),
      taken: integer('How many of them are acknowledged or assigned.', { minimum: 0 }),
      newest: object<AlertGroup['newest']>(
        { alert_id: uuid(), tenant_id: text(), title: text() },
        { description: 'The alert that was first seen last.' },
      ),
      oldest_at: time('When its oldest alert was first seen.'),
      newest_at: time('When its newest alert was first seen.'),
    },
    {
      description: 'Alerts that share a service, a name, a tenant or the value of a label, with their worst severity.',
    },
  ),
  AlertGroupPage: object<AlertGroupPage>({
    groups: list(ref('AlertGroup')),
    next: nullable(text('Send it as after to get the next page; null: there is none.')),
    complete: flag('False: so many alerts match that only the newest of them were grouped.'),
    cursor,
  }),
  EntryPage: object<EntryPage>({
    events: list(ref('Entry')),
    next: nullable(text('Send it as after to get the next page; null: there is none.')),
    cursor,
  }),
  TenantsPage: object<TenantsPage>({
    tenants: list(
      object<TenantsPage['tenants'][number]>({
        tenant_id: tenantId,
        name: text(),
        role: text('viewer may only read; any other role may also act.'),
      }),
    ),
  }),
  AlertStats: object<AlertStats>({
    open: object<AlertStats['open']>(
      { severity: object<AlertStats['open']['severity']>(bySeverity), status: counts() },
      { description: 'Alerts that are not resolved.' },
    ),
    timeline: list(object<AlertStats['timeline'][number]>({ at: time(), ...bySeverity }), {
      description: 'Alerts first seen in each bucket, the oldest first.',
    }),
    bucket_seconds: integer(undefined, { minimum: 1 }),
    complete: flag('False: there are so many alerts that the counts are lower bounds.'),
    cursor,
  }),
  TenantStats: object<TenantStats>({
    tenant_id: tenantId,
    open: object<TenantStats['open']>(bySeverity, { description: 'Alerts that are firing or acknowledged.' }),
    snoozed: integer(undefined, { minimum: 0 }),
    timeline: list(nullable(integer(undefined, { minimum: 0 })), {
      description:
        'Alerts first seen in each bucket, whatever their status now; the oldest first. Null: too many to count.',
    }),
  }),
  TenantStatsPage: object<TenantStatsPage>({
    tenants: list(ref('TenantStats')),
    from: time('When the first bucket begins.'),
    bucket_seconds: integer(undefined, { minimum: 1 }),
    at_most: integer('No number of open or snoozed is larger: one that is equal may be more.', { minimum: 1 }),
    cursor,
  }),
  DeliveryAttempt: object<DeliveryAttempt>(
    {
      attempt: integer('1, 2, 3 …', { minimum: 1 }),
      begun_at: time(),
      ended_at: nullable(time('Null while it is under way.')),
      outcome: nullable(oneOf(ATTEMPT_OUTCOMES)),
      reason: nullable(oneOf(DELIVERY_REASONS)),
      answer: nullable(text("The first 1,000 characters of the provider's answer, as text.")),
      provider_id: nullable(text("The provider's own id of the message.")),
    },
    { description: 'One attempt to send a delivery. It is on record before the provider is called.' },
  ),
  Delivery: object<Delivery>(
    {
      delivery_id: uuid('The same for every attempt.'),
      tenant_id: tenantId,
      alert_id: nullable(uuid()),
      seq: nullable(integer('The number of the entry that it tells of.', { minimum: 1 })),
      notification_id: nullable(uuid()),
      channel: oneOf(CHANNELS),
      recipient: text(),
      status: oneOf(DELIVERY_STATUSES),
      reason: nullable(oneOf(DELIVERY_REASONS)),
      created_at: time('When it was planned, or redriven. Its age counts from here.'),
      due_at: nullable(time('When the next attempt is due; null when none follows, or one is under way.')),
      settled_at: nullable(time('When it got its final status.')),
      provider_status: nullable(oneOf(PROVIDER_STATUSES)),
      provider_code: nullable(text("The provider's own code of an error.")),
      provider_status_at: nullable(time('When the provider reported that status.')),
      attempts: list(ref('DeliveryAttempt'), { description: 'The oldest first.' }),
    },
    { description: 'One message to one recipient over one channel.' },
  ),
  DeliveryPage: object<DeliveryPage>({
    deliveries: list(ref('Delivery')),
    next: nullable(
      text('Send it as after to get the next page; null: there is none. A page with a next may be short or empty.'),
    ),
  }),
  Redriven: object<Redriven>({
    redriven: count('How many are sent again.'),
    next: nullable(text('Send it as after to go on with the rest of the same set; null: nothing is left.')),
  }),
  TenantRecipients: object<TenantRecipients>({
    tenant_id: tenantId,
    recipients: mapOf(mapOf(list(text())), 'By severity, then by channel.'),
  }),
  Notification: object<Notification>(notification),
  NotificationDetail: object<NotificationDetail>({ ...notification, deliveries: list(ref('Delivery')) }),
  NotificationPage: object<NotificationPage>({
    notifications: list(ref('Notification')),
    next: nullable(text('Send it as after to get the next page; null: there is none.')),
  }),
  CancelledNotification: object<CancelledNotification>({
    ...notification,
    counts: object<CancelledNotification['counts']>(
      { cancelled: count(), sent: count(), under_way: count(), other: count() },
      { description: 'The deliveries by their result. under_way: an attempt has begun and cannot be taken back.' },
    ),
  }),
  BulkActed: object<BulkActed>({
    alerts: list(ref('Alert'), { description: 'The alerts that were changed, as they are now.' }),
    refused: list(object<BulkActed['refused'][number]>({ alert_id: text(), code: oneOf(ERROR_CODES), detail: text() })),
  }),
  SeenCursor: object<SeenCursor>(
    { tenants: list(object<SeenCursor['tenants'][number]>({ tenant_id: tenantId, epoch: text(), seq: count() })) },
    { description: 'How far a user has seen each tenant.' },
  ),
  SignedIn: object<SignedIn>(
    {
      user_id: text(),
      scopes: list(text()),
      ends_at: time('When the session ends, however much it is used.'),
    },
    { description: 'The session of a person who signed in through the OpenID provider.' },
  ),
  SignedOut: object<SignedOut>({
    end_session_url: nullable(
      text('Where the browser goes to sign out at the provider as well; null: the provider has no such address.'),
    ),
  }),
  PushState: object<PushState>(
    {
      public_key: nullable(text('The key to subscribe with, in base64url; null: no push messages are sent here.')),
      browsers: list(
        object<PushBrowser>({
          browser_id: text('SHA-256 of the endpoint, in hexadecimal.', { pattern: '^[0-9a-f]{64}$' }),
          tenants: list(tenantId),
          renewed_at: time('When the browser last renewed its subscription.'),
          expires_at: time('When the subscription is deleted, unless it is renewed.'),
        }),
      ),
    },
    { description: 'The browsers that show alerts to the user while the page is closed.' },
  ),
  WebhookEndpoint: object<WebhookEndpoint>(
    {
      endpoint_id: uuid(),
      tenant_id: tenantId,
      url: text(),
      format: nullable(oneOf(WEBHOOK_FORMATS, 'Null: the host of the address decides.')),
      template: nullable(text('The template that writes the bodies; null: the format does.')),
      header_names: list(text(), { description: 'The names of additional headers. Their values are never shown.' }),
      secret_version: integer('1, 2, 3 …: how often a secret was made.', { minimum: 1 }),
      rotated_at: nullable(
        time('When the secret was last rotated. The previous secret still signs for 24 hours after it.'),
      ),
      failing_since: nullable(time('The time since which every attempt has failed.')),
      disabled_at: nullable(time('The time since which nothing is sent to it.')),
      disabled_reason: nullable(oneOf(ENDPOINT_DISABLED_REASONS)),
      owner: nullable(text('The user who configured it.')),
      created_at: time(),
    },
    { description: 'An address to which webhooks of a tenant are posted.' },
  ),
  WebhookSecret: object<WebhookSecret>(
    {
      endpoint_id: uuid(),
      secret: text('As Standard Webhooks writes it.', { pattern: '^whsec_' }),
      secret_version: integer(undefined, { minimum: 1 }),
      previous_secret: nullable(text('The previous secret, which also signs until `previous_until`.')),
      previous_until: nullable(time()),
    },
    { description: 'What a receiver needs to verify signatures.' },
  ),
  Problem: object<Problem>(
    {
      type: text(undefined, { format: 'uri-reference' }),
      title: text(),
      status: integer(undefined, { minimum: 400, maximum: 599 }),
      code: oneOf(ERROR_CODES, 'Stable: match on it. /docs/errors says what each means.'),
      detail: optional(text()),
      instance: optional(text("Identifies this response in the gateway's log lines.")),
      errors: optional(
        list(
          object<NonNullable<Problem['errors']>[number]>({
            pointer: optional(text('JSON pointer into the body.')),
            parameter: optional(text()),
            code: oneOf(ERROR_CODES),
            detail: text(),
          }),
          { maxItems: MAX_ERRORS },
        ),
      ),
      more_errors: optional(integer('How many more there are.', { minimum: 1 })),
      alert: optional(ref('Alert')),
      confirmed: optional(
        list(text(), { description: 'With publish_failed: the ids of the messages that the queue has confirmed.' }),
      ),
    },
    { description: 'What went wrong (RFC 9457). Some codes add fields of their own.', additionalProperties: true },
  ),
} satisfies Record<string, Schema>;

/** Schemas of the `data` of a stream's frames, other than entries. */
export const FRAME_SCHEMAS = {
  ConnectionFrame: object<ConnectionFrame>(
    {
      verdict: oneOf(VERDICTS, "The worst of the tenants' verdicts. gap: entries were or may have been missed."),
      tenants: list(ref('TenantVerdict')),
      heartbeat_ms: integer('How often a heartbeat comes.', { minimum: 1 }),
      server_time: time(),
    },
    { description: 'The first frame: where the stream begins.' },
  ),
  TenantVerdict: object<TenantVerdict>({
    tenant_id: tenantId,
    name: text(),
    verdict: oneOf(VERDICTS),
    missed: nullable(count('How many entries were missed for good; null when that cannot be known.')),
    reason: nullable(oneOf(GAP_REASONS)),
    behind: count(
      'How many entries are replayed before the stream is live; from a cursor or a time, those that its filter ' +
        'leaves out included.',
    ),
    searched: nullable(
      count(
        'With ?since=N, when fewer than N were found that pass the filter and there are older ones that may: how ' +
          'many of the newest entries were searched.',
      ),
    ),
  }),
  HeartbeatFrame: object<HeartbeatFrame>({
    server_time: time(),
    checked_at: time(
      "When the position of this stream's tenants in the log was last confirmed: older than 10 s is stale.",
    ),
  }),
  ResetFrame: object<ResetFrame>(
    {
      tenant_id: tenantId,
      reason: oneOf(GAP_REASONS),
      snapshot: text('Where to load the present state from.', { format: 'uri-reference' }),
    },
    { description: "A tenant's history was replaced, or too much of it was missed." },
  ),
  CloseFrame: object<CloseFrame>(
    {
      reason: oneOf(Object.keys(CLOSE_REASONS)),
      action: oneOf(CLOSE_ACTIONS, 'What to do about it.'),
      retry_ms: count('How long to wait before coming back.'),
    },
    { description: 'The last frame: why the stream ends.' },
  ),
} satisfies Record<string, Schema>;
