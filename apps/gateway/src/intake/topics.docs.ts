import { applyDecorators } from '@nestjs/common';
import { TENANT_ID_PATTERN } from '@tocsin/contracts';
import { MAX_SINCE } from '../connect/stream-request';
import { cursor } from '../connect/streams.docs';
import { integer, object, optional, strictObject, text, type Schema } from '../description/json-schema';
import {
  Answer,
  ApiOperation,
  ApiSecurity,
  Body,
  HeaderParameter,
  PathParameter,
  Problems,
  QUEUE_PROBLEMS,
  QueryParameter,
  TakesTraceparent,
  TENANT_PROBLEMS,
} from '../description/operation.docs';
import type { PublishedTopicEvent } from './topic-event';

const ANY_JSON: Schema = { description: 'Any JSON.' };
const topic = PathParameter('id', text(undefined, { pattern: TENANT_ID_PATTERN.source }), 'The topic: a tenant.');

export const streamTopic = applyDecorators(
  ApiOperation({
    summary: 'The events of a topic as they happen',
    description:
      'Server-Sent Events. Each event of the topic is a frame `message`, and its data is what was published. The other frames, the cursor, the limits and the ' +
      'credentials are those of /api/events.',
  }),
  ApiSecurity('bearer', ['alerts:read']),
  ApiSecurity('ticket'),
  ApiSecurity('token', ['alerts:read']),
  ApiSecurity('cookie'),
  topic,
  QueryParameter({
    name: 'since',
    schema: {
      anyOf: [integer(undefined, { minimum: 0, maximum: MAX_SINCE }), text(undefined, { format: 'date-time' })],
    },
    description: 'Begin with so many of the newest events, or at a time, as in /api/events.',
  }),
  QueryParameter({ name: 'last_event_id', schema: cursor, description: 'The cursor, where the header cannot be set.' }),
  HeaderParameter('Last-Event-ID', cursor, 'The cursor: the id of the last frame. A browser sends it by itself.'),
  Answer(200, 'A stream that lasts.', text(), ['text/event-stream']),
  Problems(
    'not_acceptable',
    'invalid_parameter',
    'query_token_denied',
    'invalid_ticket',
    ...TENANT_PROBLEMS,
    'draining',
    'at_capacity',
    'too_many_streams',
    'rate_limited',
  ),
);

export const probeTopic = applyDecorators(
  ApiOperation({ summary: 'Check that streams of topics are served here' }),
  topic,
  Answer(200, 'There are.'),
);

export const publishToTopic = applyDecorators(
  ApiOperation({
    summary: 'Publish an event to a topic',
    description:
      'An event is stored and numbered in the log of the tenant. It does not ring, and is no open alert. With an `id` it may be sent again: the same event under the ' +
      'same id is stored once.',
  }),
  topic,
  TakesTraceparent(),
  Body(
    'The event.',
    strictObject<{ data: unknown; id?: string }>({
      data: ANY_JSON,
      id: optional(
        text("The sender's own id; made when there is none.", {
          minLength: 1,
          maxLength: 200,
          pattern: '^[\\x20-\\x7e]*$',
        }),
      ),
    }),
  ),
  Answer(
    202,
    'The queue has durably stored it.',
    object<PublishedTopicEvent>({ topic: text(), id: text(), data: ANY_JSON }),
  ),
  Problems('message_too_large', 'tenant_forbidden', ...QUEUE_PROBLEMS),
);
