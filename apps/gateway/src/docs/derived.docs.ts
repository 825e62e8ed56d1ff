import type { INestApplication, Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum';
import { MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { scopesOfRoute } from '@tocsin/auth';
import { ERROR_CODES, type ErrorCode } from '@tocsin/contracts';
import { ref, type Schema } from '../description/json-schema';
import { decoratorsOf, failureOf, problemsOf, queryIn, type Swagger } from '../description/operation.docs';
import { parametersIn, schemaOf } from '../description/request-schema';
import { ANSWERS } from '../problems/problem-answers';
import type { RequestClass } from '../request/request-fields';

/** Error codes of any operation. */
const ANYWHERE = ['invalid_request', 'internal_error'] as const satisfies readonly ErrorCode[];
/** Error codes of checking a token. */
const WITH_A_TOKEN = [
  'missing_credentials',
  'invalid_token',
  'token_expired',
  'token_not_yet_valid',
  'token_revoked',
  'insufficient_scope',
  'store_unavailable',
] as const satisfies readonly ErrorCode[];
/** Error codes of reading a JSON body. */
const WITH_A_BODY = [
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

const reflector = new Reflector();
/** Routes and controllers whose decorators were applied: once, however many apps a process creates. */
const completed = new WeakSet<object>();

/**
 * Tells @nestjs/swagger what `x.docs.ts` notes of each described route, and what its code says already: the scopes of
 * its guard, the classes of its body and its query, and the error codes that follow from them. Returns the schemas of
 * the bodies, by class name.
 */
export function deriveFacts(app: INestApplication, swagger: Swagger): Record<string, Schema> {
  const modules = [...app.get(ModulesContainer).values()];
  const scanner = new MetadataScanner();
  const bodies = modules
    .flatMap(({ controllers }) => Array.from(controllers.values(), ({ metatype }) => metatype as Type<object>))
    .flatMap((controller) => {
      completeController(controller, swagger);
      return scanner
        .getAllMethodNames(controller.prototype as object)
        .filter((name) => decoratorsOf(routeOf(controller, name)))
        .flatMap((name) => {
          completeRoute(controller, name, swagger);
          return classOf(controller, name, RouteParamtypes.BODY) ?? [];
        });
    });
  return Object.fromEntries(bodies.map((type) => [type.name, schemaOf(type)]));
}

const routeOf = (controller: Type<object>, name: string) =>
  (controller.prototype as Record<string, (...args: never[]) => unknown>)[name]!;

function completeController(controller: Type<object>, swagger: Swagger): void {
  if (completed.has(controller)) return;
  completed.add(controller);
  for (const decorate of decoratorsOf(controller) ?? []) (decorate(swagger) as ClassDecorator)(controller);
}

function completeRoute(controller: Type<object>, name: string, swagger: Swagger): void {
  const route = routeOf(controller, name);
  if (completed.has(route)) return;
  completed.add(route);
  const { ApiBody, ApiIncludeEndpoint, ApiSecurity, DECORATORS } = swagger;
  const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, name)!;
  const apply = (decorate: MethodDecorator) => decorate(controller.prototype as object, name, descriptor);

  for (const decorate of decoratorsOf(route)!) apply(decorate(swagger));
  apply(ApiIncludeEndpoint());
  const scopes = scopesOfRoute(reflector, route, controller);
  const hasSecurity = [route, controller].some((on) => Reflect.hasMetadata(DECORATORS.API_SECURITY, on));
  if (scopes && !hasSecurity) apply(ApiSecurity('bearer', [...scopes]));
  const body = classOf(controller, name, RouteParamtypes.BODY);
  if (body) apply(ApiBody(describedBody(body)));
  const query = classOf(controller, name, RouteParamtypes.QUERY);
  for (const parameter of query ? parametersIn(query) : []) apply(queryIn(swagger, parameter));

  const parameters = (Reflect.getMetadata(DECORATORS.API_PARAMETERS, route) ?? []) as { in: string }[];
  const types = (Reflect.getMetadata(DECORATORS.API_CONSUMES, route) ?? ['application/json']) as string[];
  const readsJson = parameters.some((parameter) => parameter.in === 'body') && types.includes('application/json');
  const codes = new Set<ErrorCode>([
    ...problemsOf(controller),
    ...problemsOf(route),
    ...ANYWHERE,
    ...(scopes || hasSecurity ? WITH_A_TOKEN : []),
    ...(readsJson ? WITH_A_BODY : []),
    ...(query ? (['invalid_parameter'] as const) : []),
  ]);
  for (const answer of answersOf(codes, swagger, failureOf(route))) apply(answer);
}

/** The class of the argument that is the whole body or query; undefined when there is none. */
function classOf(controller: Type<object>, name: string, kind: RouteParamtypes): RequestClass | undefined {
  const types = (Reflect.getMetadata('design:paramtypes', controller.prototype as object, name) ??
    []) as RequestClass[];
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Record<
    string,
    { index: number; data?: unknown }
  >;
  const found = Object.entries(args).find(([key, { data }]) => key.startsWith(`${kind}:`) && data === undefined);
  return found && types[found[1].index];
}

/** A body without a required field may be absent: it counts as an object without fields. */
function describedBody(type: RequestClass) {
  const { description = '', required = [], anyOf = [], minProperties = 0 } = schemaOf(type);
  return {
    schema: { $ref: ref(type.name).$ref! },
    description,
    required: required.length > 0 || anyOf.length > 0 || minProperties > 0,
  };
}

/** One response for each status, with the error codes that it may carry. */
function answersOf(codes: ReadonlySet<ErrorCode>, { ApiResponse }: Swagger, failure?: Schema): MethodDecorator[] {
  const inOrder = ERROR_CODES.filter((code) => codes.has(code));
  const statuses = new Set(inOrder.map((code) => ANSWERS[code][0]));
  return Array.from(statuses, (status) => {
    const own = inOrder.filter((code) => ANSWERS[code][0] === status);
    const narrowed: Schema = {
      type: 'object',
      properties: { ...(!failure && { status: { const: status } }), code: { enum: own } },
    };
    return ApiResponse({
      status,
      description: own.map((code) => `${code}: ${ANSWERS[code][1]}.`).join(' '),
      content: {
        [failure ? 'application/json' : 'application/problem+json']: {
          schema: { allOf: [failure ?? ref('Problem'), narrowed] } as object,
        },
      },
    });
  });
}
