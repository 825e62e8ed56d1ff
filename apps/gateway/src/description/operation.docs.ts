import { SetMetadata } from '@nestjs/common';
import type { ApiResponseOptions, OpenAPIObject } from '@nestjs/swagger';
import type { ErrorCode } from '@tocsin/contracts';
import { text, type Schema } from './json-schema';
import type { QueryParameterFacts } from './request-schema';

// What `x.docs.ts` beside a controller is composed of. Each decorator only notes which one of @nestjs/swagger is meant:
// a process loads that package when it makes the document, and most processes, and most tests, never make it. The
// decorators take our schemas, which are of OpenAPI 3.1; the types of @nestjs/swagger are of 3.0.

export type Swagger = typeof import('@nestjs/swagger');
type Decorate = (swagger: Swagger) => MethodDecorator | (MethodDecorator & ClassDecorator);
type SwaggerSchemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
const asSwagger = (schema: Schema) => schema as Exclude<SwaggerSchemas[string], { $ref: string }>;

const DECORATORS = Symbol('decorators of @nestjs/swagger');

const later =
  (decorate: Decorate): MethodDecorator & ClassDecorator =>
  (target: object, _name?: unknown, descriptor?: PropertyDescriptor) => {
    const on = (descriptor?.value ?? target) as object;
    Reflect.defineMetadata(DECORATORS, [...(decoratorsOf(on) ?? []), decorate], on);
  };
/** What was noted for a route or a controller; undefined when it is not described. */
export const decoratorsOf = (routeOrController: object): readonly Decorate[] | undefined =>
  Reflect.getMetadata(DECORATORS, routeOrController) as readonly Decorate[] | undefined;

/** The group of operations of a controller. */
export const ApiTags = (tag: string) => later((swagger) => swagger.ApiTags(tag));

export const ApiOperation = (facts: { summary: string; description?: string }) =>
  later((swagger) => swagger.ApiOperation(facts));

/** The media types of a body. Default: application/json. */
export const ApiConsumes = (...types: string[]) => later((swagger) => swagger.ApiConsumes(...types));

/** A credential that the operation takes; of several any one is enough. */
export const ApiSecurity = (scheme: string, scopes: string[] = []) =>
  later((swagger) => swagger.ApiSecurity(scheme, scopes));

/** A response without an error; without a schema it has no body. Default of `types`: application/json. */
export const Answer = (status: number, description: string, schema?: Schema, types = ['application/json']) =>
  later((swagger) =>
    swagger.ApiResponse({
      status,
      description,
      ...(schema && { content: Object.fromEntries(types.map((type) => [type, { schema: asSwagger(schema) }])) }),
    } as ApiResponseOptions),
  );

/** A body that no class describes, because its route reads the bytes. */
export const Body = (description: string, schema: Schema, { required = true } = {}) =>
  later((swagger) => swagger.ApiBody({ description, schema: asSwagger(schema), required }));

export const PathParameter = (name: string, schema: Schema, description: string) =>
  later((swagger) => swagger.ApiParam({ name, description, schema: asSwagger(schema) }));

export const queryIn = ({ ApiQuery }: Swagger, { schema, required = false, ...facts }: QueryParameterFacts) =>
  ApiQuery({ ...facts, schema: asSwagger(schema), required, style: 'form' });
export const QueryParameter = (facts: QueryParameterFacts) => later((swagger) => queryIn(swagger, facts));

export const HeaderParameter = (name: string, schema: Schema, description: string) =>
  later((swagger) => swagger.ApiHeader({ name, description, schema: asSwagger(schema), required: false }));

/** For requests that create entries. */
export const TakesTraceparent = () =>
  HeaderParameter(
    'traceparent',
    text(undefined, { pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' }),
    "W3C trace context: its trace id becomes the entries'.",
  );

/** The operations of routes that check a token without `@Scopes(…)`, which says so itself. */
export const Needs = (...scopes: string[]) => ApiSecurity('bearer', scopes);

const PROBLEMS = Symbol('error codes');
const FAILURE = Symbol('format of failures');

/**
 * The error codes of a route, or of all routes of a controller. The document adds those that follow from the guard, the
 * body and the query.
 */
export const Problems =
  (...codes: ErrorCode[]): MethodDecorator & ClassDecorator =>
  (target: object, _name?: unknown, descriptor?: PropertyDescriptor) => {
    const on = (descriptor?.value ?? target) as object;
    Reflect.defineMetadata(PROBLEMS, [...problemsOf(on), ...codes], on);
  };
export const problemsOf = (routeOrController: object): readonly ErrorCode[] =>
  (Reflect.getMetadata(PROBLEMS, routeOrController) as readonly ErrorCode[] | undefined) ?? [];

/** The format of a failure when it is not problem+json: for endpoints that imitate another system's API. */
export const FailsWith = (schema: Schema) => SetMetadata(FAILURE, schema);
export const failureOf = (route: object): Schema | undefined =>
  Reflect.getMetadata(FAILURE, route) as Schema | undefined;

/** Error codes of handing messages to the queue. */
export const QUEUE_PROBLEMS = ['publish_failed', 'queue_full'] as const satisfies readonly ErrorCode[];

/** Error codes of looking up a user's tenants. */
export const TENANT_PROBLEMS = [
  'no_tenant',
  'tenant_forbidden',
  'tenant_service_unavailable',
] as const satisfies readonly ErrorCode[];
