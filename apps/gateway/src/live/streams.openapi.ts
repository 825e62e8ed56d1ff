import { ALERT_TYPES, SEVERITIES } from '@tocsin/contracts';
import { LABEL_LIMITS } from '@tocsin/messages';
import { MAX_SEARCHED } from '@tocsin/contracts/ports';
import { integer, object, oneOf, optional, text } from '../docs/json-schema';
import { listParameter, queryParameter, TENANT_PROBLEMS, type Parameter, type Paths } from '../docs/operation';
import { MAX_SINCE } from '../connect/stream-request';

/** `?label.<key>=<value>`: an object with one parameter for each of its properties. */
const LABELS_PARAMETER: Parameter = {
  name: 'labels',
  in: 'query',
  description: 'label.<key>=<value>: labels that the alert must have, all of them.',
  schema: {
    type: 'object',
    patternProperties: { [`^label\\..{1,${LABEL_LIMITS.key}}$`]: { type: 'string', maxLength: LABEL_LIMITS.value } },
    additionalProperties: false,
    maxProperties: LABEL_LIMITS.count,
    examples: [{ 'label.site': 'north' }],
  },
};

/** The filters of a stream's entries. They apply to the whole alert, as it was before an entry or is after it. */
const ENTRY_FILTERS: readonly Parameter[] = [
  listParameter('severity', oneOf(SEVERITIES), 'Entries whose alert has or had one of these.'),
  listParameter('type', oneOf(ALERT_TYPES), 'Entries whose alert is or was of one of these types.'),
  listParameter('service', text(undefined, { minLength: 1 }), 'Of these services.'),
  listParameter('name', text(undefined, { minLength: 1 }), 'Entries whose alert has or had one of these names.'),
  LABELS_PARAMETER,
];

const cursor = text(undefined, { pattern: '^[A-Za-z0-9._~:=;-]*$' });

const PARAMETERS: readonly Parameter[] = [
  listParameter('tenant', text(undefined, { minLength: 1 }), "Some of the user's tenants; default all."),
  ...ENTRY_FILTERS,
  queryParameter(
    'since',
    { anyOf: [integer(undefined, { minimum: 0, maximum: MAX_SINCE }), text(undefined, { format: 'date-time' })] },
    `Begin with so many of the newest entries of each tenant that pass the filter (at most ${MAX_SINCE}, searched for among the newest ${MAX_SEARCHED.toLocaleString('en')}), or at a time.`,
  ),
  queryParameter(
    'last_event_id',
    cursor,
    'The cursor, where the header cannot be set. lastEventId, as polyfills append it, and the lastEventID and Last-Event-ID of other hubs are understood too; of several the furthest counts.',
  ),
  queryParameter('event', oneOf(['message']), 'Entries without an event name, for clients that know onmessage alone.'),
  {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'The cursor: the id of the last frame. A browser sends it by itself.',
    schema: cursor,
  },
];

const PROBLEMS = [
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
] as const;

export const STREAM_PATHS: Paths = {
  '/api/events': {
    get: {
      id: 'streamEvents',
      tag: 'streams',
      summary: 'Alerts as they happen',
      description:
        'Server-Sent Events, described at /docs/events. Parameters that are not known are ignored. What is worth a retry (draining, full, a store that is away) is for a ' +
        'request that names text/event-stream a stream of 200 with one close frame, since any other status would end an EventSource for good.',
      access: 'stream',
      parameters: PARAMETERS,
      answers: { 200: { description: 'A stream that lasts.', types: ['text/event-stream'], schema: text() } },
      problems: PROBLEMS,
    },
    head: {
      id: 'probeStream',
      tag: 'streams',
      summary: 'Check that streams are served here',
      access: 'none',
      answers: { 200: { description: 'There are.' } },
    },
  },
  '/api/events/ticket': {
    post: {
      id: 'issueTicket',
      tag: 'streams',
      summary: 'Issue a credential that is valid for streams only',
      description:
        'A ticket opens one stream within 30 s and may stand in an address. With mode=cookie it is set as a cookie that no script can read, for 15 min.',
      access: ['alerts:read'],
      parameters: [queryParameter('mode', oneOf(['cookie']), 'Set a cookie instead.')],
      answers: {
        201: {
          description: 'The ticket, or the confirmation that the cookie is set.',
          schema: object<{ ticket?: string; expires_in: number; url: string }>({
            ticket: optional(text()),
            expires_in: integer('Seconds.', { minimum: 0 }),
            url: text('Where to open the stream.', { format: 'uri-reference' }),
          }),
        },
      },
    },
  },
};
