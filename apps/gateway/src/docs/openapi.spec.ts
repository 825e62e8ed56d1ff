import type { NestExpressApplication } from '@nestjs/platform-express';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorsMarkdown } from './errors-page';
import type { Schema } from '../description/json-schema';
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
      expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
    }
  });

  it('holds schemas that a strict validator takes, with examples that are valid', () => {
    const compile = validatorOf(document);
    for (const schema of [
      ...Object.values(document.components.schemas),
      ...operations.flatMap(({ operation }) => schemasOf(operation)),
    ]) {
      const validate = compile(schema);
      for (const example of schema.examples ?? []) expect([validate(example), validate.errors]).toEqual([true, null]);
    }
  });

  it('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });
});

it('docs/errors.md lists every code, as `npm run settings` writes it', () => {
  expect(readFileSync(join(__dirname, '../../../../docs/errors.md'), 'utf8')).toBe(errorsMarkdown());
});

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
}

/**
 * Methods and paths that Express answers. A route for nearly every method is one that refuses methods; it hides the
 * routes after it.
 */
function routesOf(app: NestExpressApplication): string[] {
  const { stack } = (app.getHttpAdapter().getInstance() as { router: { stack: Layer[] } }).router;
  const refused = new Set<string>();
  const routes = stack.flatMap(({ route }) => {
    if (!route) return [];
    const methods = Object.keys(route.methods);
    const path = route.path.replace(/(?<=.)\/$/, '').replace(/:\w+/g, '{}');
    if (methods.length > 10 || methods.includes('_all')) refused.add(path);
    return refused.has(path) ? [] : methods.map((method) => `${method.toUpperCase()} ${path}`);
  });
  return [...new Set(routes)].sort();
}
