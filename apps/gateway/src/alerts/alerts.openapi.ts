import { ref, text } from '../docs/json-schema';
import { BODY_PROBLEMS, pathParameter, TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { parametersIn, schemaOf } from '../docs/request-schema';
import { AlertSearchFields } from './alert-search';
import { HistoryQuery } from './history-query';
import { StatsQuery } from './stats-query';

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
        'The field next of a page asks for the following one. A page examines a limited number of alerts: it may be short, and reports how far it searched. A stream that is opened with the cursor brings every change that is not in the page.',
      parameters: parametersIn(AlertSearchFields),
      answers: { 200: { description: 'A page of them.', schema: ref('AlertPage') } },
      problems: [...PROBLEMS, 'invalid_cursor'],
    },
  },
  '/api/v1/alerts/search': {
    post: {
      ...shared,
      id: 'searchAlerts',
      summary: 'List alerts by a search in the body',
      body: { description: 'The search. An absent field sets no condition.', schema: schemaOf(AlertSearchFields) },
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
      parameters: [alertId, ...parametersIn(HistoryQuery)],
      answers: { 200: { description: 'A page of its entries.', schema: ref('EntryPage') } },
      problems: ['not_found', 'invalid_parameter', 'invalid_cursor', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/stats': {
    get: {
      ...shared,
      id: 'countAlerts',
      summary: 'Counts for a chart',
      parameters: parametersIn(StatsQuery),
      answers: {
        200: {
          description: 'The open alerts, and alerts by the time they were first seen.',
          schema: ref('AlertStats'),
        },
      },
      problems: PROBLEMS,
    },
  },
};
