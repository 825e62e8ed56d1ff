import { applyDecorators } from '@nestjs/common';
import { ERROR_CODES, TENANT_ID_PATTERN } from '@tocsin/contracts';
import { OPSGENIE_ACTIONS, OPSGENIE_TEXTS } from '@tocsin/messages';
import { flag, list, mapOf, number, object, oneOf, optional, text, type Schema } from '../description/json-schema';
import {
  Answer,
  ApiOperation,
  Body,
  FailsWith,
  Needs,
  PathParameter,
  Problems,
  QUEUE_PROBLEMS,
  QueryParameter,
  TakesTraceparent,
} from '../description/operation.docs';
import type { OpsgenieError, PagerDutyError } from './peer-errors.filter';
import type { EventProcessed, RequestAccepted, RequestProcessed } from './published-answer';

const code = oneOf(ERROR_CODES, 'As everywhere: /docs/errors.');

/** Of both controllers. An address without a service has no parameter of that name. */
const address = applyDecorators(
  PathParameter('tenant', text(undefined, { pattern: TENANT_ID_PATTERN.source }), 'The tenant of what is sent here.'),
  PathParameter('service', text(undefined, { pattern: '^[A-Za-z0-9._-]{1,64}$' }), 'Holds for what does not say it.'),
);
const TAKEN =
  'The queue has it, durably. A note is on the alert, if that was stored within half a second; otherwise it is dropped.';
const takesEvent = applyDecorators(
  Needs('events:publish'),
  TakesTraceparent(),
  Problems('message_too_large', 'invalid_parameter', 'tenant_forbidden', ...QUEUE_PROBLEMS),
);

export const enqueuePagerDutyEvent = applyDecorators(
  ApiOperation({
    summary: "Take an event of PagerDuty's Events API v2",
    description:
      'For clients that append /v2/enqueue to an address. A service token is their routing_key, or stands in the Authorization header. trigger and resolve become messages, acknowledge a note on the alert.',
  }),
  address,
  takesEvent,
  Body('An event. What else is in it is kept as metadata.', {
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
    required: ['event_action', 'dedup_key'],
  }),
  Answer(
    202,
    TAKEN,
    object<EventProcessed>({
      status: text(undefined, { const: 'success' }),
      message: text(),
      dedup_key: text('Identifies the alert in later events.'),
    }),
  ),
  FailsWith(
    object<PagerDutyError>({
      status: oneOf(['invalid event', 'throttle exceeded', 'error']),
      message: text(),
      errors: list(text()),
      code,
      instance: optional(text()),
    }),
  ),
);

const opsgenieFailure = FailsWith(
  object<OpsgenieError>({ message: text(), errors: mapOf(text()), took: number(), requestId: text(), code }),
);
const opsgenieRequest = (summary: string, rest: string, schema: Schema, outcome = TAKEN) =>
  applyDecorators(
    ApiOperation({
      summary,
      description:
        "A request of Opsgenie's Alert API. The key is a service token: `Authorization: GenieKey …`, or Bearer.",
    }),
    address,
    takesEvent,
    Body(`As Opsgenie describes it. ${rest}`, schema, { required: false }),
    Answer(
      202,
      outcome,
      object<RequestAccepted>({
        result: text(),
        took: number('Seconds.'),
        requestId: text('Use it to ask for the outcome.'),
      }),
    ),
    Problems('not_found'),
    opsgenieFailure,
  );

export const createOpsgenieAlert = opsgenieRequest(
  'Create an alert',
  'Tags, actions, the note, responders, teams and the user are kept as metadata.',
  {
    type: 'object',
    properties: {
      message: text(undefined, {
        minLength: 1,
        maxLength: 130,
        pattern: '^[\\x20-\\x7e]*[\\x21-\\x7e][\\x20-\\x7e]*$',
      }),
      alias: text(undefined, { minLength: 1, maxLength: 512, pattern: '^[\\x21-\\x7e]+$' }),
      description: text(undefined, { maxLength: 8_000 }),
      priority: oneOf(['P1', 'P2', 'P3', 'P4', 'P5']),
      details: mapOf(text(undefined, { maxLength: 500 })),
      entity: text(),
      source: text(),
    },
    required: ['message'],
  },
);

const identifier = applyDecorators(
  PathParameter(
    'identifier',
    text(undefined, { pattern: '^[A-Za-z0-9._-]{1,100}$' }),
    'The alias of the alert, or our id of it.',
  ),
  QueryParameter({
    name: 'identifierType',
    schema: oneOf(['id', 'alias', 'tiny']),
    description: 'alias: the identifier is only an alias. Otherwise it may also be our id of the alert.',
  }),
);

export const updateOpsgenieAlert = applyDecorators(
  opsgenieRequest('Close an alert, or add a note', 'What else is in it is not kept.', {
    type: 'object',
    properties: { user: text(), source: text(), note: text(undefined, { maxLength: 1_000 }) },
  }),
  identifier,
  PathParameter('action', oneOf(OPSGENIE_ACTIONS), 'close resolves; the others become a note on the alert.'),
);

export const changeOpsgenieAlert = applyDecorators(
  opsgenieRequest(
    'Replace a text of an alert',
    'Nothing in it is kept.',
    { type: 'object', properties: { message: text(), description: text(), priority: text() } },
    'It is accepted, and changes nothing: an alert that fires keeps the words with which it was raised.',
  ),
  identifier,
  PathParameter('action', oneOf(OPSGENIE_TEXTS), 'What the body has anew.'),
);

export const readOpsgenieRequest = applyDecorators(
  ApiOperation({
    summary: 'The outcome of an Opsgenie request',
    description: 'Waits up to half a second for the alert.',
  }),
  Needs('events:publish'),
  address,
  PathParameter(
    'requestId',
    text(undefined, { pattern: '^[A-Za-z0-9_-]{1,300}$' }),
    'The requestId of the response to the request.',
  ),
  Answer(
    200,
    'The alert is stored.',
    object<RequestProcessed>({
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
  ),
  Problems('invalid_parameter', 'not_found'),
  opsgenieFailure,
);
