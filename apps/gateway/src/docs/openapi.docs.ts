import type { INestApplication } from '@nestjs/common';
import { version as release } from '@tocsin/observability';
import { STREAM_COOKIE } from '../connect/stream-request';
import { ALERT_SCHEMAS } from '../alerts/alert-schemas';
import { STATS_SCHEMAS } from '../alerts/stats-schemas';
import { LETTER_SCHEMAS } from '../dead-letters/letter-schemas';
import { DELIVERY_SCHEMAS } from '../deliveries/delivery-schemas';
import type { Schema } from '../description/json-schema';
import type { Swagger } from '../description/operation.docs';
import { HEALTH_SCHEMAS } from '../health/health-schemas';
import { NOTIFICATION_SCHEMAS } from '../notifications/notification-schemas';
import { PROBLEM_SCHEMA } from '../problems/problem-schema';
import { WEBHOOK_SCHEMAS } from '../webhooks/webhook-schemas';
import { deriveFacts } from './derived.docs';
import { STRICT_MESSAGE_SCHEMAS } from './message-schema';
import { USER_SCHEMAS } from './user-schemas';

export interface MediaType {
  schema: Schema;
}
export interface DescribedOperation {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  security: readonly Readonly<Record<string, readonly string[]>>[];
  parameters: {
    name: string;
    in: 'query' | 'path' | 'header';
    description: string;
    schema: Schema;
    required: boolean;
    explode?: boolean;
  }[];
  requestBody?: { description: string; required: boolean; content: Record<string, MediaType> };
  responses: Record<string, { description: string; content?: Record<string, MediaType> }>;
}
/** What @nestjs/swagger makes, as far as this code and its tests read it: its own types are of OpenAPI 3.0. */
export interface OpenApi {
  openapi: string;
  info: object;
  tags: readonly { name: string; description: string }[];
  paths: Record<string, Partial<Record<string, DescribedOperation>>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, unknown> };
}

/**
 * The schemas of what the routes answer, for programs that do not read TypeScript. The compiler compares the names of
 * their fields with the types of `wire`, and tests compare their contents.
 */
const ANSWER_SCHEMAS = {
  ...ALERT_SCHEMAS,
  ...STATS_SCHEMAS,
  ...DELIVERY_SCHEMAS,
  ...NOTIFICATION_SCHEMAS,
  ...USER_SCHEMAS,
  ...WEBHOOK_SCHEMAS,
  ...PROBLEM_SCHEMA,
  ...LETTER_SCHEMAS,
  ...HEALTH_SCHEMAS,
};

/** The groups of operations, in the order in which the document shows them. */
const TAGS = {
  streams: 'Alerts as they happen, as Server-Sent Events. What travels in them: /docs/events.',
  alerts: 'Alerts as they stand: found, read and acted on.',
  log: "The numbered entries of a tenant's log.",
  publishing: 'Alerts in, over HTTP. Over AMQP: /docs/events.',
  topics: 'Any JSON in and out as a stream, in the log of a tenant.',
  notifications: 'Messages to people that a service or a user asks for, to be sent now or later.',
  deliveries: 'The messages to each recipient, and the recipients of alerts whose messages name none.',
  webhooks: 'The addresses to which webhooks are posted: secrets, formats, and whether they are on.',
  'dead letters': 'Messages that were refused because of their content, and the decisions about them.',
  push: 'Alerts in browsers whose page is closed.',
  session: 'Signing in and out through an OpenID provider, where OIDC_ISSUER is set.',
  providers: 'What the providers of SMS and WhatsApp messages call.',
  operation: 'How the system is, for those who operate it.',
  access: 'Tenants, and revoked rights.',
  links: 'What the links in messages lead to: pages for people.',
  documents: 'These documents.',
};

function frame({ DocumentBuilder }: Swagger, ofVersion: string) {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Tocsin')
    .setVersion(ofVersion)
    .setDescription(
      'Alerts from services to every screen of the tenant they concern. What queues and streams carry is described at [/docs/events](/docs/events), what errors mean at [/docs/errors](/docs/errors). How to install, use and operate it: [/docs/guide](/docs/guide).',
    )
    .addServer('/')
    .addBearerAuth({ type: 'http' })
    .addSecurity('ticket', {
      type: 'apiKey',
      in: 'query',
      name: 'ticket',
      description: 'Of POST /api/events/ticket; opens one stream.',
    })
    .addSecurity('token', {
      type: 'apiKey',
      in: 'query',
      name: 'token',
      description: 'The token itself, where STREAM_QUERY_TOKEN allows it.',
    })
    .addSecurity('cookie', {
      type: 'apiKey',
      in: 'cookie',
      name: STREAM_COOKIE,
      description: 'Of POST /api/events/ticket?mode=cookie.',
    })
    .addSecurity('session', {
      type: 'apiKey',
      in: 'cookie',
      name: '__Host-tocsin_session',
      description:
        'Of GET /api/v1/session/sign-in, where OIDC_ISSUER is set (without __Host- where PUBLIC_URL is not https). It is taken wherever a bearer token is, and stands for one. A request that changes something also needs the Origin of the page.',
    });
  for (const [name, description] of Object.entries(TAGS)) builder.addTag(name, description);
  return builder.build();
}

/** The whole API of an app as an OpenAPI 3.1 document: its described routes, and no others. The app is initialised. */
export async function openApi(app: INestApplication, ofVersion: string): Promise<OpenApi> {
  const swagger = await import('@nestjs/swagger');
  const bodies = deriveFacts(app, swagger);
  const {
    info: { title, version, description },
    ...document
  } = swagger.SwaggerModule.createDocument(app, frame(swagger, ofVersion), {
    autoTagControllers: false,
    onlyIncludeDecoratedEndpoints: true,
    operationIdFactory: operationIdOf,
  });
  const { paths, components } = document as unknown as OpenApi;
  for (const [path, operations] of Object.entries(paths))
    for (const operation of Object.values(operations)) complete(path, operation!);
  return {
    ...(document as unknown as OpenApi),
    info: { title, version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths: inOrder(paths),
    components: {
      ...components,
      schemas: { ...ANSWER_SCHEMAS, ...STRICT_MESSAGE_SCHEMAS, ...bodies },
    },
  };
}

/** Groups in the order of the tags, then addresses and methods in the order of the alphabet. */
function inOrder(paths: OpenApi['paths']): OpenApi['paths'] {
  const groupOf = (operations: OpenApi['paths'][string]) =>
    Math.min(...Object.values(operations).map((operation) => Object.keys(TAGS).indexOf(operation!.tags[0]!)));
  const placed = Object.entries(paths).map(([path, operations]) => ({
    place: `${groupOf(operations)} ${path}`,
    path,
    operations: Object.fromEntries(Object.entries(operations).sort(([a], [b]) => (a < b ? -1 : 1))),
  }));
  placed.sort((a, b) => (a.place < b.place ? -1 : 1));
  return Object.fromEntries(placed.map(({ path, operations }) => [path, operations]));
}

/** An operation has the name of its method. @nestjs/swagger adds `[1]` for the second address of a controller. */
const operationIdOf = (_controller: string, method: string): string =>
  method.replace('[0]', '').replace('[1]', 'OfService');

/** Adds what @nestjs/swagger leaves out, and removes parameters that another address of the same route has. */
function complete(path: string, operation: DescribedOperation): void {
  const inPath = path.match(/(?<=\{)\w+/g) ?? [];
  const others = operation.parameters.filter((parameter) => parameter.in !== 'path');
  const ofPath = inPath.flatMap((name) => operation.parameters.filter((one) => one.in === 'path' && one.name === name));
  operation.parameters = [...ofPath, ...others];
  operation.security ??= [];
}

/** The document of the running app. */
export class OpenApiDocument {
  private app: INestApplication | undefined;
  private made: Promise<OpenApi> | undefined;

  /** Names the app that the document describes. */
  describe(app: INestApplication): void {
    this.app = app;
  }

  /**
   * The document, which is made for the first reader. That takes about half a second of computing, most of it to load
   * @nestjs/swagger, and holds the event loop for a fifth of a second, once in the life of a process. Every start would
   * pay that otherwise, and most gateways are never asked.
   */
  read(): Promise<OpenApi> {
    if (!this.app) throw new Error('No app was named.');
    this.made ??= openApi(this.app, release);
    return this.made;
  }
}
