import { applyDecorators } from '@nestjs/common';
import { MAX_SEARCHED } from '@tocsin/contracts/ports';
import { integer, object, oneOf, optional, text, type Schema } from '../description/json-schema';
import {
  Answer,
  ApiOperation,
  ApiSecurity,
  HeaderParameter,
  Problems,
  QueryParameter,
  TENANT_PROBLEMS,
} from '../description/operation.docs';
import { parametersIn } from '../description/request-schema';
import { EntriesQuery } from '../request/list-parameters';
import { MAX_SINCE } from './stream-request';

export const cursor = text(undefined, { pattern: '^[A-Za-z0-9._~:=;-]*$' });
const query = (name: string, schema: Schema, description: string) => QueryParameter({ name, schema, description });

/** `stream-request.ts` reads the query, and not the class that describes its filters. */
export const streamEvents = applyDecorators(
  ApiOperation({
    summary: 'Alerts as they happen',
    description:
      'Server-Sent Events, described at /docs/events. Parameters that are not known are ignored. What is worth a retry (draining, full, a store that is away) is for a ' +
      'request that names text/event-stream a stream of 200 with one close frame, since any other status would end an EventSource for good.',
  }),
  ApiSecurity('bearer', ['alerts:read']),
  ApiSecurity('ticket'),
  ApiSecurity('token', ['alerts:read']),
  ApiSecurity('cookie'),
  ...parametersIn(EntriesQuery).map(QueryParameter),
  query(
    'since',
    { anyOf: [integer(undefined, { minimum: 0, maximum: MAX_SINCE }), text(undefined, { format: 'date-time' })] },
    `Begin with so many of the newest entries of each tenant that pass the filter (at most ${MAX_SINCE}, searched for among the newest ${MAX_SEARCHED.toLocaleString('en')}), or at a time.`,
  ),
  query(
    'last_event_id',
    cursor,
    'The cursor, where the header cannot be set. lastEventId, as polyfills append it, and the lastEventID and Last-Event-ID of other hubs are understood too; of several the furthest counts.',
  ),
  query('event', oneOf(['message']), 'Entries without an event name, for clients that know onmessage alone.'),
  HeaderParameter('Last-Event-ID', cursor, 'The cursor: the id of the last frame. A browser sends it by itself.'),
  Answer(200, 'A stream that lasts.', text(), ['text/event-stream']),
  Problems(
    'not_acceptable',
    'invalid_parameter',
    'query_token_denied',
    'invalid_ticket',
    'too_many_tenants',
    ...TENANT_PROBLEMS,
    'draining',
    'at_capacity',
    'too_many_streams',
    'rate_limited',
  ),
);

export const probeStream = applyDecorators(
  ApiOperation({ summary: 'Check that streams are served here' }),
  Answer(200, 'There are.'),
);

export const issueTicket = applyDecorators(
  ApiOperation({
    summary: 'Issue a credential that is valid for streams only',
    description:
      'A ticket opens one stream within 30 s and may stand in an address. With mode=cookie it is set as a cookie that no script can read, for 15 min.',
  }),
  query('mode', oneOf(['cookie']), 'Set a cookie instead.'),
  Answer(
    201,
    'The ticket, or the confirmation that the cookie is set.',
    object<{ ticket?: string; expires_in: number; url: string }>({
      ticket: optional(text()),
      expires_in: integer('Seconds.', { minimum: 0 }),
      url: text('Where to open the stream.', { format: 'uri-reference' }),
    }),
  ),
);
