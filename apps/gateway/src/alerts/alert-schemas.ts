import {
  ALERT_STATUSES,
  ALERT_TYPES,
  CHANGES,
  ERROR_CODES,
  SEVERITIES,
  type Alert,
  type AlertAction,
  type AlertFacets,
  type AlertGroup,
  type AlertGroupPage,
  type AlertPage,
  type AlertPlace,
  type AlertWhileOpen,
  type BulkActed,
  type Entry,
  type EntryPage,
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
  type Schema,
} from '../description/json-schema';
import { cursor, tenantId } from '../description/wire-fields';

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

/** The schemas of alerts, of entries, and of lists of both. */
export const ALERT_SCHEMAS = {
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
      status: mapOf(count()),
      severity: mapOf(count()),
      service: mapOf(count()),
      type: mapOf(count()),
      tenant: mapOf(count()),
      snoozed: mapOf(count(), 'The snoozed alerts by severity, with every filter except the status.'),
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
  BulkActed: object<BulkActed>({
    alerts: list(ref('Alert'), { description: 'The alerts that were changed, as they are now.' }),
    refused: list(object<BulkActed['refused'][number]>({ alert_id: text(), code: oneOf(ERROR_CODES), detail: text() })),
  }),
} satisfies Record<string, Schema>;
