import type { Scope } from '@tocsin/auth';
import type { ErrorCode } from '@tocsin/contracts';
import { text, type Schema } from './json-schema';

/** What the operations are about, in the order in which the document shows them. */
export const TAGS = {
  streams: 'Alerts as they happen, as Server-Sent Events. What travels in them: /docs/events.',
  alerts: 'Alerts as they stand: found, read and acted on.',
  log: "The numbered entries of a tenant's log.",
  publishing: 'Alerts in, over HTTP. Over AMQP: /docs/events.',
  'dead letters': 'Messages that were refused for their own fault, and what is to become of them.',
  access: 'Tenants, and rights taken back.',
  documents: 'These documents.',
} as const;
export type Tag = keyof typeof TAGS;

export type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';

export interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  description: string;
  schema: Schema;
  /** Default: only in a path. */
  required?: boolean;
  /** Default true. False: a list by commas. */
  explode?: boolean;
}

export interface Content {
  description: string;
  /** Absent: there is no body. */
  schema?: Schema;
  /** Default application/json. */
  types?: readonly string[];
}

/** One operation, as whoever writes its controller describes it: what is the same for all of them is added by `openapi.ts`. */
export interface Operation {
  id: string;
  tag: Tag;
  summary: string;
  description?: string;
  /** `none`: no credential is looked at. `stream`: one of a stream's. Else a bearer token with these scopes. */
  access: 'none' | 'stream' | readonly Scope[];
  parameters?: readonly Parameter[];
  body?: Omit<Content, 'schema'> & { schema: Schema; required?: boolean };
  answers: Readonly<Record<number, Content>>;
  /** Codes of its own, beside those that any operation of its kind may answer. */
  problems?: readonly ErrorCode[];
  /** What a failure is told as, where it is not problem+json: a door that speaks another system's language. */
  failure?: { schema: Schema };
}

/** Operations by path and method; a path's parameters stand in braces. */
export type Paths = Readonly<Record<string, Partial<Record<Method, Operation>>>>;

/** A list in a query: by commas, or the parameter several times. */
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

/** Of what becomes entries. */
export const TRACEPARENT: Parameter = {
  name: 'traceparent',
  in: 'header',
  description: "W3C trace context: its trace id becomes the entries'.",
  schema: text(undefined, { pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' }),
};

/** What reading a body as JSON may refuse. */
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
/** What finding out about somebody's tenants may refuse. */
export const TENANT_PROBLEMS = [
  'no_tenant',
  'tenant_forbidden',
  'tenant_service_unavailable',
] as const satisfies readonly ErrorCode[];
