import { SEVERITIES, TENANT_ID_PATTERN } from '@tocsin/contracts';
import { integer, list, nullable, object, oneOf, optional, ref, text } from '../docs/json-schema';
import { BODY_PROBLEMS, queryParameter, TRACEPARENT, type Paths } from '../docs/operation';
import type { SettledEvent } from './intake.controller';
import { MAX_BATCH } from './read-events';

const DEFAULTS = 'Holds for messages that do not say it.';

export const INTAKE_PATHS: Paths = {
  '/api/v1/events': {
    post: {
      id: 'publishEvents',
      tag: 'publishing',
      summary: 'Publish one alert, or up to 500',
      description:
        'Nothing is published unless all of it is valid. An answer other than 202 or 201 leaves sending all of it again safe, under the same ids. ' +
        "What CloudEvents, Alertmanager, Grafana and PagerDuty send is understood too, and so are other systems' names for the fields.",
      access: ['events:publish'],
      parameters: [
        queryParameter('tenant', text(undefined, { pattern: TENANT_ID_PATTERN.source }), DEFAULTS),
        queryParameter('service', text(undefined, { pattern: '^[A-Za-z0-9._-]{1,64}$' }), DEFAULTS),
        queryParameter('severity', oneOf(SEVERITIES), DEFAULTS),
        { name: 'Prefer', in: 'header', description: 'wait=5: answer with what became of them, if they are stored within so many seconds (1 to 10).', schema: text(undefined, { pattern: '^wait=([1-9]|10)$' }) },
        TRACEPARENT,
      ],
      body: {
        description: 'A message, or a list of them.',
        required: true,
        types: ['application/json', 'application/cloudevents+json'],
        schema: { anyOf: [ref('AlertMessage'), list(ref('AlertMessage'), { minItems: 1, maxItems: MAX_BATCH })] },
      },
      answers: {
        201: {
          description: 'What became of each, with Prefer: wait.',
          schema: object<{ events: SettledEvent[] }>({
            events: list(
              object<SettledEvent>({
                id: text(),
                tenant_id: text(),
                outcome: oneOf(['stored', 'folded', 'dead']),
                seq: nullable(integer('Its number in the log; null when it has no entry of its own.', { minimum: 1 })),
                reason: optional(text('Why it is dead.')),
              }),
            ),
          }),
        },
        202: { description: 'The queue has all of them, durably.', schema: object<{ ids: string[] }>({ ids: list(text()) }) },
      },
      problems: [...BODY_PROBLEMS, 'message_too_large', 'missing_tenant', 'missing_service', 'empty_batch', 'batch_too_large', 'invalid_parameter', 'tenant_forbidden', 'id_conflict', 'store_failed', 'publish_failed'],
    },
  },
};
