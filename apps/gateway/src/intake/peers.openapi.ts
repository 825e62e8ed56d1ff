import { ERROR_CODES, TENANT_ID_PATTERN } from '@tocsin/contracts';
import { OPSGENIE_ACTIONS } from '@tocsin/messages';
import { flag, list, mapOf, number, object, oneOf, optional, text, type Schema } from '../docs/json-schema';
import {
  BODY_PROBLEMS,
  pathParameter,
  queryParameter,
  TRACEPARENT,
  type Operation,
  type Paths,
} from '../docs/operation';
import type { RequestAccepted, RequestProcessed } from './opsgenie.controller';
import type { OpsgenieError, PagerDutyError } from './peer-errors.filter';
import type { EventProcessed } from './published-answer';

const TENANT = pathParameter(
  'tenant',
  text(undefined, { pattern: TENANT_ID_PATTERN.source }),
  'Holds for what does not say it.',
);
const SERVICE = pathParameter(
  'service',
  text(undefined, { pattern: '^[A-Za-z0-9._-]{1,64}$' }),
  'Holds for what does not say it.',
);
const IDENTIFIER = pathParameter(
  'identifier',
  text(undefined, { pattern: '^[A-Za-z0-9._-]{1,100}$' }),
  'The alias of the alert, or our id of it.',
);
const PROBLEMS = [
  ...BODY_PROBLEMS,
  'message_too_large',
  'invalid_parameter',
  'tenant_forbidden',
  'publish_failed',
] as const satisfies Operation['problems'];
const code = oneOf(ERROR_CODES, 'As everywhere: /docs/errors.');

const enqueue = (id: string, ...parameters: Operation['parameters'] & object): { post: Operation } => ({
  post: {
    id,
    tag: 'publishing',
    summary: "Take an event of PagerDuty's Events API v2",
    description:
      'For clients that append /v2/enqueue to an address. A service token is their routing_key, or stands in the Authorization header. trigger and resolve become messages, acknowledge a note on the alert.',
    access: ['events:publish'],
    parameters: [...parameters, TRACEPARENT],
    body: {
      description: 'An event. What else is in it is kept as metadata.',
      required: true,
      schema: {
        type: 'object',
        properties: {
          routing_key: text(),
          event_action: oneOf(['trigger', 'acknowledge', 'resolve']),
          dedup_key: text(undefined, { minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }),
          payload: {
            type: 'object',
            properties: {
              summary: text(undefined, { minLength: 1 }),
              source: text(),
              severity: oneOf(['critical', 'error', 'warning', 'info']),
            },
            required: ['summary'],
          },
        },
        required: ['routing_key', 'event_action', 'dedup_key'],
      },
    },
    answers: {
      202: {
        description: 'The queue has it, durably.',
        schema: object<EventProcessed>({
          status: text(undefined, { const: 'success' }),
          message: text(),
          dedup_key: text('Identifies the alert in later events.'),
        }),
      },
    },
    problems: PROBLEMS,
    failure: {
      schema: object<PagerDutyError>({
        status: oneOf(['invalid event', 'throttle exceeded', 'error']),
        message: text(),
        errors: list(text()),
        code,
        instance: optional(text()),
      }),
    },
  },
});

const ALERT: Schema = {
  type: 'object',
  properties: {
    message: text(undefined, { minLength: 1, maxLength: 130, pattern: '^[\\x20-\\x7e]*[\\x21-\\x7e][\\x20-\\x7e]*$' }),
    alias: text(undefined, { minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }),
    description: text(undefined, { maxLength: 8_000 }),
    priority: oneOf(['P1', 'P2', 'P3', 'P4', 'P5']),
    details: mapOf(text(undefined, { maxLength: 500 })),
    entity: text(),
    source: text(),
  },
  required: ['message'],
};
const UPDATE: Schema = {
  type: 'object',
  properties: { user: text(), source: text(), note: text(undefined, { maxLength: 1_000 }) },
};
const IDENTIFIER_TYPE = queryParameter(
  'identifierType',
  oneOf(['id', 'alias', 'tiny']),
  'alias: the identifier is only an alias. Otherwise it may also be our id of the alert.',
);

const ACTION = pathParameter(
  'action',
  oneOf(OPSGENIE_ACTIONS),
  'close resolves; the others become a note on the alert.',
);
const OPSGENIE_FAILURE = {
  schema: object<OpsgenieError>({ message: text(), errors: mapOf(text()), took: number(), requestId: text(), code }),
};

const opsgenie = (
  id: string,
  summary: string,
  schema: Schema,
  ...parameters: Operation['parameters'] & object
): { post: Operation } => ({
  post: {
    id,
    tag: 'publishing',
    summary,
    description:
      "A request of Opsgenie's Alert API. The key is a service token: `Authorization: GenieKey …`, or Bearer.",
    access: ['events:publish'],
    parameters: [...parameters, TRACEPARENT],
    body: { description: 'As Opsgenie describes it. What else is in it is kept as metadata.', schema },
    answers: {
      202: {
        description: 'The queue has it, durably.',
        schema: object<RequestAccepted>({
          result: text(),
          took: number('Seconds.'),
          requestId: text('Use it to ask for the outcome.'),
        }),
      },
    },
    problems: [...PROBLEMS, 'not_found'],
    failure: OPSGENIE_FAILURE,
  },
});

const processed = (id: string, ...parameters: Operation['parameters'] & object): { get: Operation } => ({
  get: {
    id,
    tag: 'publishing',
    summary: 'The outcome of an Opsgenie request',
    description: 'Waits up to half a second for the alert.',
    access: ['events:publish'],
    parameters: [
      ...parameters,
      pathParameter(
        'requestId',
        text(undefined, { pattern: '^[A-Za-z0-9_-]{1,300}$' }),
        'The requestId of the response to the request.',
      ),
    ],
    answers: {
      200: {
        description: 'The alert is stored.',
        schema: object<RequestProcessed>({
          data: object<RequestProcessed['data']>({
            success: flag(),
            isSuccess: flag(),
            status: text(),
            alertId: text(),
            alias: text(),
          }),
          took: number('Seconds.'),
          requestId: text(),
        }),
      },
    },
    problems: ['invalid_parameter', 'not_found'],
    failure: OPSGENIE_FAILURE,
  },
});

/** The endpoints that imitate other systems' APIs. */
export const PEER_PATHS: Paths = {
  '/api/v1/pagerduty/{tenant}/v2/enqueue': enqueue('enqueuePagerDutyEvent', TENANT),
  '/api/v1/pagerduty/{tenant}/{service}/v2/enqueue': enqueue('enqueuePagerDutyEventOfService', TENANT, SERVICE),
  '/api/v1/opsgenie/{tenant}/v2/alerts': opsgenie('createOpsgenieAlert', 'Create an alert', ALERT, TENANT),
  '/api/v1/opsgenie/{tenant}/{service}/v2/alerts': opsgenie(
    'createOpsgenieAlertOfService',
    'Create an alert for a service',
    ALERT,
    TENANT,
    SERVICE,
  ),
  '/api/v1/opsgenie/{tenant}/v2/alerts/{identifier}/{action}': opsgenie(
    'updateOpsgenieAlert',
    'Close an alert, or add a note',
    UPDATE,
    TENANT,
    IDENTIFIER,
    ACTION,
    IDENTIFIER_TYPE,
  ),
  '/api/v1/opsgenie/{tenant}/{service}/v2/alerts/{identifier}/{action}': opsgenie(
    'updateOpsgenieAlertOfService',
    'Close an alert of a service, or add a note',
    UPDATE,
    TENANT,
    SERVICE,
    IDENTIFIER,
    ACTION,
    IDENTIFIER_TYPE,
  ),
  '/api/v1/opsgenie/{tenant}/v2/alerts/requests/{requestId}': processed('readOpsgenieRequest', TENANT),
  '/api/v1/opsgenie/{tenant}/{service}/v2/alerts/requests/{requestId}': processed(
    'readOpsgenieRequestOfService',
    TENANT,
    SERVICE,
  ),
};
