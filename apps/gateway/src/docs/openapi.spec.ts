import type { NestExpressApplication } from '@nestjs/platform-express';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corsOptions } from '../http/cors';
import { errorsMarkdown } from './errors-page';
import type { Schema } from '../description/json-schema';
import { isOurs } from '../http/proxy-routes';
import { openApi, type DescribedOperation, type OpenApi } from './openapi.docs';
import { describedApp } from './testing/described-app.docs';
import { validatorOf } from './testing/validator';

let app: NestExpressApplication;
let document: OpenApi;
let operations: { path: string; method: string; operation: DescribedOperation }[];
beforeAll(async () => {
  app = await describedApp();
  document = await openApi(app, '1.2.3');
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation! })),
  );
});
afterAll(() => app.close());

const schemasOf = ({ parameters, requestBody, responses }: DescribedOperation): Schema[] => [
  ...parameters.map(({ schema }) => schema),
  ...[requestBody, ...Object.values(responses)].flatMap((part) =>
    Object.values(part?.content ?? {}).map(({ schema }) => schema),
  ),
];

describe('the OpenAPI document', () => {
  it('describes each route of a running gateway, and no other', () => {
    const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`);
    expect(routesOf(app)).toEqual([...new Set(described)].sort());
  });

  it('describes no path that PROXY_ROUTES may lead to another service', () => {
    expect(operations.map(({ path }) => path).filter((path) => path !== '/' && !isOurs(path))).toEqual([]);
  });

  it('has each operation once by its name, with the parameters of its path and a tag and a security scheme that are there', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    const schemes = Object.keys(document.components.securitySchemes);
    for (const { path, operation } of operations) {
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(inPath.every(({ required }) => required)).toBe(true);
      expect(new Set(operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).size).toBe(
        operation.parameters.length,
      );
      expect(tags).toEqual(expect.arrayContaining([...operation.tags]));
      expect(schemes).toEqual(expect.arrayContaining(operation.security.flatMap((one) => Object.keys(one))));
      expect(Object.keys(operation.responses).some((status) => /^[23]/.test(status))).toBe(true);
    }
  });

  it('holds schemas that a strict validator takes, with examples that are valid', () => {
    const compile = validatorOf(document);
    const schemas = [
      ...Object.values(document.components.schemas),
      ...operations.flatMap(({ operation }) => schemasOf(operation)),
    ];
    const distinct = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]));
    for (const schema of distinct.values()) {
      const validate = compile(schema);
      for (const example of schema.examples ?? []) expect([validate(example), validate.errors]).toEqual([true, null]);
    }
  });

  it('names no header that a page of CORS_ORIGINS may not send', () => {
    const allowed = corsOptions([]).allowedHeaders.map((name) => name.toLowerCase());
    const named = operations.flatMap(({ operation }) =>
      // no page calls as a provider does
      operation.tags.includes('providers') ? [] : operation.parameters.filter((parameter) => parameter.in === 'header'),
    );
    expect(named.map(({ name }) => name)).toEqual(expect.arrayContaining(['Idempotency-Key', 'If-Match', 'Prefer']));
    expect(named.filter(({ name }) => !allowed.includes(name.toLowerCase())).map(({ name }) => name)).toEqual([]);
  });

  it('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });
});

it('docs/errors.md lists every code, as `npm run settings` writes it', () => {
  expect(readFileSync(join(__dirname, '../../../../docs/errors.md'), 'utf8')).toBe(errorsMarkdown());
});

describe('the routes of a gateway', () => {
  it('each come before a route that would take their path as a parameter', () => {
    const routes = layersOf(app);
    const hidden = routes.filter(
      (route, index) =>
        !refuses(route) &&
        routes.slice(0, index).some((earlier) => takes(earlier.path, route.path) && sharesMethod(earlier, route)),
    );
    expect(hidden).toEqual([]);
  });

  it('refuse other methods, except those of Opsgenie', () => {
    const routes = layersOf(app).filter(({ path }) => !path.startsWith('/api/v1/opsgenie/'));
    const refused = new Set(routes.filter(refuses).map(({ path }) => path));
    expect(routes.map(({ path }) => path).filter((path) => !refused.has(path))).toEqual([]);
  });
});

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
}

interface Route {
  path: string;
  methods: string[];
}

/** What Express answers, in the order in which it looks for a route. */
function layersOf(app: NestExpressApplication): Route[] {
  const { stack } = (app.getHttpAdapter().getInstance() as { router: { stack: Layer[] } }).router;
  return stack.flatMap(({ route }) =>
    route
      ? { path: route.path.replace(/(?<=.)\/$/, '').replace(/:\w+/g, '{}'), methods: Object.keys(route.methods) }
      : [],
  );
}

/** A route for nearly every method is one that refuses methods. */
const refuses = ({ methods }: Route): boolean => methods.length > 10 || methods.includes('_all');

const sharesMethod = (one: Route, other: Route): boolean =>
  refuses(one) || one.methods.some((method) => other.methods.includes(method));

/** Whether a route with this path answers requests for the other path. */
function takes(path: string, other: string): boolean {
  const [parts, others] = [path.split('/'), other.split('/')];
  return parts.length === others.length && parts.every((part, at) => part === '{}' || part === others[at]);
}

/** Methods and paths that Express answers. A route that refuses methods hides those of its path that follow. */
function routesOf(app: NestExpressApplication): string[] {
  const refused = new Set<string>();
  const routes = layersOf(app).flatMap((route) => {
    const { path, methods } = route;
    if (refuses(route)) refused.add(path);
    return refused.has(path) ? [] : methods.map((method) => `${method.toUpperCase()} ${path}`);
  });
  return [...new Set(routes)].sort();
}
