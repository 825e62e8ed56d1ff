import type { Scope } from '@tocsin/auth';
import type { ErrorCode } from '@tocsin/contracts';
import { text, type Schema } from './json-schema';

/** The groups of operations, in the order in which the document shows them. */
export const TAGS = {
  streams: 'Alerts as they happen, as Server-Sent Events. What travels in them: /docs/events.',
  alerts: 'Alerts as they stand: found, read and acted on.',
  log: "The numbered entries of a tenant's log.",
  publishing: 'Alerts in, over HTTP. Over AMQP: /docs/events.',
  notifications: 'Messages to people that somebody asks for, for now or for a time.',
  deliveries: 'What is sent to whom, and who is told when a message names nobody.',
  webhooks: 'The addresses to which webhooks are posted: secrets, formats, and whether they are on.',
  'dead letters': 'Messages that were refused because of their content, and the decisions about them.',
  push: 'Alerts in browsers whose page is closed.',
  providers: 'What the providers of SMS and WhatsApp messages call.',
  access: 'Tenants, and revoked rights.',
  links: 'What the links in messages lead to: pages for people.',
  documents: 'These documents.',
} as const;
export type Tag = keyof typeof TAGS;

export type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';

export interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  description: string;
  schema: Schema;
  /** Default: true for a path parameter, false for any other. */
  required?: boolean;
  /** Whether a list repeats the parameter. Default true; false: the values are separated by commas. */
  explode?: boolean;
}

export interface Content {
  description: string;
  /** The schema of the body; absent when there is no body. */
  schema?: Schema;
  /** The media types. Default: application/json. */
  types?: readonly string[];
}

/** One operation as its controller's author describes it. `openapi.ts` adds what all operations have in common. */
export interface Operation {
  id: string;
  tag: Tag;
  summary: string;
  description?: string;
  /** `none`: no credential is read. `stream`: a credential for streams. Otherwise a bearer token with these scopes. */
  access: 'none' | 'stream' | readonly Scope[];
  parameters?: readonly Parameter[];
  body?: Omit<Content, 'schema'> & { schema: Schema; required?: boolean };
  answers: Readonly<Record<number, Content>>;
  /** The operation's own error codes, in addition to those of every operation of its kind. */
  problems?: readonly ErrorCode[];
  /** The format of a failure when it is not problem+json: for endpoints that imitate another system's API. */
  failure?: { schema: Schema };
}

/** Operations by path and method. Path parameters are in braces. */
export type Paths = Readonly<Record<string, Partial<Record<Method, Operation>>>>;

/** A list in a query: separated by commas, or as a repeated parameter. */
export const listParameter = (name: string, items: Schema, description: string): Parameter => ({
  name,
  in: 'query',
  description,
  schema: { type: 'array', items },
  explode: false,
});
export const queryParameter = (name: string, schema: Schema, description: string): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
export const pathParameter = (name: string, schema: Schema, description: string): Parameter => ({
  name,
  in: 'path',
  description,
  schema,
  required: true,
});

/** For requests that create entries. */
export const TRACEPARENT: Parameter = {
  name: 'traceparent',
  in: 'header',
  description: "W3C trace context: its trace id becomes the entries'.",
  schema: text(undefined, { pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' }),
};

/** Error codes of reading a JSON body. */
export const BODY_PROBLEMS = [
  'unsupported_media_type',
  'body_too_large',
  'overloaded',
  'invalid_utf8',
  'invalid_json',
  'too_deep',
  'control_characters',
  'unknown_field',
  'invalid_field',
] as const satisfies readonly ErrorCode[];
/** Error codes of looking up a user's tenants. */
export const TENANT_PROBLEMS = [
  'no_tenant',
  'tenant_forbidden',
  'tenant_service_unavailable',
] as const satisfies readonly ErrorCode[];
