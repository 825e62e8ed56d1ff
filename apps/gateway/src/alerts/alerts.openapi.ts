import { ALERT_ORDERS, ALERT_STATUSES, ALERT_TYPES, SEVERITIES } from '@tocsin/contracts';
import { flag, integer, oneOf, ref, text, time, type Schema } from '../docs/json-schema';
import {
  BODY_PROBLEMS,
  listParameter,
  pathParameter,
  queryParameter,
  TENANT_PROBLEMS,
  type Parameter,
  type Paths,
} from '../docs/operation';
import { LABELS_PARAMETER } from '../live/streams.openapi';
import { schemaOf } from '../request/request-schema';
import { AlertSearchFields, MAX_QUERY_LENGTH, MAX_WORDS } from './alert-search';
import { AFTER, LIMIT, TENANT } from './list-parameters.openapi';
import { MAX_BUCKETS } from './stats-query';

const word = text(undefined, { minLength: 1 });
const words = text(undefined, { maxLength: MAX_QUERY_LENGTH, pattern: `^\\s*(\\S+\\s*){0,${MAX_WORDS}}$` });
const WORDS = 'Words that title, message or name contain, all of them, in any case.';

const FILTERS: readonly Parameter[] = [
  TENANT,
  listParameter('status', oneOf(ALERT_STATUSES), 'With one of these.'),
  listParameter('severity', oneOf(SEVERITIES), 'With one of these.'),
  listParameter('service', { ...word, maxLength: 64 }, 'Of these services.'),
  listParameter('type', oneOf(ALERT_TYPES), 'Of these types.'),
  listParameter('name', { ...word, maxLength: 100 }, 'With one of these names.'),
  listParameter(
    'assignee',
    { ...word, maxLength: 255 },
    'Assigned to one of these; none: to nobody, me: to whoever asks.',
  ),
  LABELS_PARAMETER,
  queryParameter('from', time(), 'First seen at this time or later.'),
  queryParameter('to', time(), 'First seen before it.'),
  queryParameter('q', words, WORDS),
];

const { properties, ...rest } = schemaOf(AlertSearchFields);
/** Derived from the class that validates it, but for what its words mean. */
const search: Schema = { ...rest, properties: { ...properties, q: { ...words, description: WORDS } } };

const alertId = pathParameter('alert_id', text(undefined, { format: 'uuid' }), 'Our id of the alert.');
const shared = { tag: 'alerts', access: ['alerts:read'] } as const;
const PROBLEMS = ['invalid_parameter', 'too_many_tenants', ...TENANT_PROBLEMS] as const;

export const ALERT_PATHS: Paths = {
  '/api/v1/alerts': {
    get: {
      ...shared,
      id: 'listAlerts',
      summary: 'List alerts',
      description:
        'Pages follow each other by next. A page looks at so many alerts and no more: it may be short, and says how far it looked. A stream that is opened with the cursor misses nothing that is not in the page.',
      parameters: [
        ...FILTERS,
        queryParameter('order', oneOf(ALERT_ORDERS), 'Default: newest.'),
        LIMIT,
        AFTER,
        queryParameter('facets', flag(), 'Whether to count by facet.'),
      ],
      answers: { 200: { description: 'A page of them.', schema: ref('AlertPage') } },
      problems: [...PROBLEMS, 'invalid_cursor'],
    },
  },
  '/api/v1/alerts/search': {
    post: {
      ...shared,
      id: 'searchAlerts',
      summary: 'List alerts, asked with a body',
      body: { description: 'Which. What is left out asks for nothing.', schema: search },
      answers: { 200: { description: 'A page of them.', schema: ref('AlertPage') } },
      problems: [...PROBLEMS, ...BODY_PROBLEMS, 'invalid_cursor'],
    },
  },
  '/api/v1/alerts/{alert_id}': {
    get: {
      ...shared,
      id: 'showAlert',
      summary: 'Show an alert',
      parameters: [alertId],
      answers: { 200: { description: 'The alert as it stands now.', schema: ref('Alert') } },
      problems: ['not_found', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/alerts/{alert_id}/history': {
    get: {
      ...shared,
      id: 'showAlertHistory',
      summary: 'What happened to an alert, the newest first',
      parameters: [alertId, LIMIT, AFTER],
      answers: { 200: { description: 'A page of its entries.', schema: ref('EntryPage') } },
      problems: ['not_found', 'invalid_parameter', 'invalid_cursor', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/stats': {
    get: {
      ...shared,
      id: 'countAlerts',
      summary: 'Counts for a chart',
      parameters: [
        TENANT,
        queryParameter('from', time(), 'Where the chart begins; default a day before it ends.'),
        queryParameter('to', time(), 'Where it ends; default now.'),
        queryParameter('buckets', integer(undefined, { minimum: 1, maximum: MAX_BUCKETS }), 'How many points it has.'),
      ],
      answers: { 200: { description: 'What is open, and what was first seen when.', schema: ref('AlertStats') } },
      problems: PROBLEMS,
    },
  },
};
