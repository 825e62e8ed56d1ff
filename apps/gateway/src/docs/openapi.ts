import { ERROR_CODES, type ErrorCode } from '@tocsin/contracts';
import { ACCESS_PATHS } from '../access/access.openapi';
import { ACT_PATHS } from '../alerts/acts.openapi';
import { ALERT_PATHS } from '../alerts/alerts.openapi';
import { DEAD_LETTER_PATHS, DEAD_LETTER_SCHEMAS } from '../dead-letters/dead-letters.openapi';
import { DELIVERY_PATHS } from '../deliveries/deliveries.openapi';
import { INTAKE_PATHS } from '../intake/intake.openapi';
import { STREAM_COOKIE } from '../connect/stream-request';
import { STREAM_PATHS } from '../live/streams.openapi';
import { PEER_PATHS } from '../intake/peers.openapi';
import { LINK_PATHS } from '../links/links.openapi';
import { LOG_PATHS } from '../log/log.openapi';
import { SEEN_PATHS } from '../me/seen-cursor.openapi';
import { NOTIFICATION_PATHS } from '../notifications/notifications.openapi';
import { RECIPIENT_PATHS } from '../recipients/recipients.openapi';
import { TWILIO_PATHS } from '../providers/twilio.openapi';
import { PUSH_PATHS } from '../push/push.openapi';
import { WEBHOOK_PATHS } from '../webhooks/webhooks.openapi';
import { ANSWERS } from '../problems/problem-answers';
import { DOCS_PATHS } from './docs.openapi';
import { ref, type Schema } from './json-schema';
import { STRICT_MESSAGE_SCHEMAS } from './message-schema';
import { TAGS, type Content, type Method, type Operation, type Parameter, type Paths } from './operation';
import { WIRE_SCHEMAS } from './wire-schemas';

const ALL_PATHS: readonly Paths[] = [
  STREAM_PATHS,
  ALERT_PATHS,
  ACT_PATHS,
  LOG_PATHS,
  SEEN_PATHS,
  INTAKE_PATHS,
  PEER_PATHS,
  NOTIFICATION_PATHS,
  DELIVERY_PATHS,
  RECIPIENT_PATHS,
  WEBHOOK_PATHS,
  DEAD_LETTER_PATHS,
  PUSH_PATHS,
  TWILIO_PATHS,
  ACCESS_PATHS,
  LINK_PATHS,
  DOCS_PATHS,
];

/** Error codes that any operation may answer with, by the kind of credential that it needs. */
const ANYWHERE = ['invalid_request', 'internal_error'] as const satisfies readonly ErrorCode[];
const WITH_A_TOKEN = [
  'missing_credentials',
  'invalid_token',
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'insufficient_scope',
  'store_unavailable',
] as const satisfies readonly ErrorCode[];

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
  ticket: { type: 'apiKey', in: 'query', name: 'ticket', description: 'Of POST /api/events/ticket; opens one stream.' },
  token: {
    type: 'apiKey',
    in: 'query',
    name: 'token',
    description: 'The token itself, where STREAM_QUERY_TOKEN allows it.',
  },
  cookie: { type: 'apiKey', in: 'cookie', name: STREAM_COOKIE, description: 'Of POST /api/events/ticket?mode=cookie.' },
} as const;

export interface MediaType {
  schema: Schema;
}
export interface DescribedOperation {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  security: readonly Readonly<Record<string, readonly string[]>>[];
  parameters: readonly (Omit<Parameter, 'required'> & { required: boolean; style?: string })[];
  requestBody?: { description: string; required: boolean; content: Record<string, MediaType> };
  responses: Record<string, { description: string; content?: Record<string, MediaType> }>;
}
export interface OpenApi {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } };
  servers: readonly { url: string }[];
  tags: readonly { name: string; description: string }[];
  paths: Record<string, Partial<Record<Method, DescribedOperation>>>;
  components: { schemas: Record<string, Schema>; securitySchemes: typeof SECURITY_SCHEMES };
}

/** The whole API as an OpenAPI 3.1 document, assembled from the descriptions beside each controller. */
export function openApi(version: string): OpenApi {
  const paths: OpenApi['paths'] = {};
  for (const part of ALL_PATHS) {
    for (const [path, operations] of Object.entries(part)) {
      const described = Object.entries(operations).map(([method, operation]) => [method, describe(operation)]);
      paths[path] = {
        ...paths[path],
        ...(Object.fromEntries(described) as Partial<Record<Method, DescribedOperation>>),
      };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tocsin',
      version,
      description:
        'Alerts from services to every screen of the tenant they concern. What queues and streams carry is described at [/docs/events](/docs/events), what errors mean at [/docs/errors](/docs/errors).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { ...WIRE_SCHEMAS, ...STRICT_MESSAGE_SCHEMAS, ...DEAD_LETTER_SCHEMAS },
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function describe({
  id,
  tag,
  summary,
  description,
  access,
  parameters = [],
  body,
  answers,
  problems = [],
  failure,
}: Operation): DescribedOperation {
  const codes = new Set<ErrorCode>([...problems, ...ANYWHERE, ...(access === 'none' ? [] : WITH_A_TOKEN)]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    security: securityOf(access),
    parameters: parameters.map((parameter) => ({
      required: false,
      ...parameter,
      ...(parameter.in === 'query' && { style: 'form' }),
    })),
    ...(body && {
      requestBody: { description: body.description, required: body.required ?? false, content: contentOf(body)! },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, content]) => [status, answerOf(content)])),
      ...problemsOf(codes, failure?.schema),
    },
  };
}

function securityOf(access: Operation['access']): DescribedOperation['security'] {
  if (access === 'none') return [];
  return access === 'stream'
    ? [{ bearer: ['alerts:read'] }, { ticket: [] }, { token: ['alerts:read'] }, { cookie: [] }]
    : [{ bearer: access }];
}

const contentOf = ({ schema, types = ['application/json'] }: Content) =>
  schema && Object.fromEntries(types.map((type) => [type, { schema }]));

function answerOf(content: Content): DescribedOperation['responses'][string] {
  const media = contentOf(content);
  return { description: content.description, ...(media && { content: media }) };
}

/** One response for each status, with the error codes that it may carry. */
function problemsOf(codes: ReadonlySet<ErrorCode>, told?: Schema): DescribedOperation['responses'] {
  const inOrder = ERROR_CODES.filter((code) => codes.has(code));
  const statuses = new Set(inOrder.map((code) => ANSWERS[code][0]));
  return Object.fromEntries(
    Array.from(statuses, (status) => {
      const own = inOrder.filter((code) => ANSWERS[code][0] === status);
      const description = own.map((code) => `${code}: ${ANSWERS[code][1]}.`).join(' ');
      if (told)
        return [
          String(status),
          {
            description,
            content: {
              'application/json': {
                schema: { allOf: [told, { type: 'object', properties: { code: { enum: own } } }] },
              },
            },
          },
        ];
      const schema: Schema = {
        allOf: [ref('Problem'), { type: 'object', properties: { status: { const: status }, code: { enum: own } } }],
      };
      return [String(status), { description, content: { 'application/problem+json': { schema } } }];
    }),
  );
}
