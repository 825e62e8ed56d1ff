import { applyDecorators } from '@nestjs/common';
import { ERROR_CODES, MAX_ERRORS, SEVERITIES, TENANT_ID_PATTERN, type InputError } from '@tocsin/contracts';
import { integer, list, nullable, object, oneOf, optional, ref, text, type Schema } from '../description/json-schema';
import {
  Answer,
  ApiConsumes,
  ApiOperation,
  Body,
  HeaderParameter,
  Problems,
  QUEUE_PROBLEMS,
  QueryParameter,
  TakesTraceparent,
} from '../description/operation.docs';
import type { EventProcessed, LeftOver, SettledEvent } from './published-answer';
import { MAX_BATCH } from './read-events';

/** The parts of a webhook that were not published. */
const LEFT_OVER = {
  refused: optional(
    list(
      object<InputError>({
        pointer: optional(text()),
        parameter: optional(text()),
        code: oneOf(ERROR_CODES),
        detail: text(),
      }),
      { maxItems: MAX_ERRORS },
    ),
  ),
  refused_count: optional(integer('How many alerts of the group were refused, and are dead letters.', { minimum: 1 })),
  dropped: optional(integer('Alerts of severity none that the address drops.', { minimum: 1 })),
};

/** Fields of PagerDuty's own response, when the request was an event of PagerDuty. */
const EVENT_PROCESSED = {
  status: optional(text(undefined, { const: 'success' })),
  message: optional(text()),
  dedup_key: optional(text('Identifies the alert in later events.')),
};

const preset = (name: string, schema: Schema) =>
  QueryParameter({ name, schema, description: 'Used for messages that lack it.' });

export const publishEvents = applyDecorators(
  ApiOperation({
    summary: 'Publish one alert, or up to 500',
    description:
      'Nothing is published unless all of it is valid. An answer other than 202 or 201 leaves sending all of it again safe, under the same ids. ' +
      "What CloudEvents, Alertmanager, Grafana and PagerDuty send is understood too, and so are other systems' names for the fields. Of a group of alerts each is judged alone: " +
      'once one is published the answer is 202, `refused` names the others, and they are dead letters.',
  }),
  preset('tenant', text(undefined, { pattern: TENANT_ID_PATTERN.source })),
  preset('service', text(undefined, { pattern: '^[A-Za-z0-9._-]{1,64}$' })),
  preset('severity', oneOf(SEVERITIES)),
  QueryParameter({
    name: 'severity_none',
    schema: oneOf([...SEVERITIES, 'drop']),
    description:
      'The severity of an alert from Alertmanager or Grafana whose label severity is none (Watchdog); default low. drop accepts the alert and publishes nothing.',
  }),
  HeaderParameter(
    'Prefer',
    text(undefined, { pattern: '^wait=([1-9]|10)$' }),
    'wait=5: answer with the outcome of the messages if they are stored within that many seconds (1 to 10).',
  ),
  TakesTraceparent(),
  ApiConsumes('application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json'),
  Body('A message, or a list of them.', {
    anyOf: [ref('AlertMessage'), list(ref('AlertMessage'), { minItems: 1, maxItems: MAX_BATCH })],
  }),
  Answer(
    201,
    'The outcome of each message, with Prefer: wait.',
    object<{ events: SettledEvent[] } & LeftOver & Partial<EventProcessed>>({
      ...LEFT_OVER,
      ...EVENT_PROCESSED,
      events: list(
        object<SettledEvent>({
          id: text(),
          tenant_id: text(),
          outcome: oneOf(['stored', 'folded', 'dead']),
          seq: nullable(integer('Its number in the log; null when it has no entry of its own.', { minimum: 1 })),
          reason: optional(text('The reason why the message is a dead letter.')),
        }),
      ),
    }),
  ),
  Answer(
    202,
    'The queue has durably stored all of these.',
    object<{ ids: string[] } & LeftOver & Partial<EventProcessed>>({
      ids: list(text()),
      ...LEFT_OVER,
      ...EVENT_PROCESSED,
    }),
  ),
  Problems(
    'message_too_large',
    'foreign_envelope',
    'missing_tenant',
    'missing_service',
    'empty_batch',
    'batch_too_large',
    'invalid_parameter',
    'tenant_forbidden',
    'id_conflict',
    'store_failed',
    ...QUEUE_PROBLEMS,
  ),
);
