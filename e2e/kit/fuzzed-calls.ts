import fc from 'fast-check';
import { request as send } from 'node:http';
import { queryOf, SchemaValues, type ValueSchema } from '@tocsin/messages/testing';
import type { Described } from './api-document';

/** How long a response may take. A publisher may ask to wait for 10 s. */
const TIMEOUT_MS = 20_000;

export interface OpenApi {
  paths: Record<string, Record<string, Described>>;
}
export interface Call {
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}
export interface Answer {
  status: number;
  type: string;
  /** The names and values of the response's headers, unchanged. */
  head: string;
  text: string;
}

/** The values that calls are made of, besides the document. */
export interface Material {
  /** Values with a meaning, by field. */
  known: Readonly<Record<string, readonly unknown[]>>;
  /** Bodies that are accepted, by operation, where fields depend on each other so that random bodies seldom are. */
  bodies?: Readonly<Record<string, readonly object[]>>;
  /** The `Authorization` header; empty: none. */
  credential: fc.Arbitrary<string>;
}

/** Every call of an operation that a client might make, and some that it should not make. */
export function callsOf(
  document: OpenApi,
  path: string,
  { operationId, parameters, requestBody }: Described,
  { known, bodies = {}, credential }: Material,
): fc.Arbitrary<Call> {
  const values = new SchemaValues(document, known);
  const valueOf = (name: string, schema: ValueSchema) =>
    fc.oneof({ weight: 4, arbitrary: values.named(name, schema) }, { weight: 1, arbitrary: values.near(schema) });
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const named = parameters.filter((parameter) => parameter.in === 'header');
  const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed();
  const body =
    requestBody &&
    Object.entries(requestBody.content).map(([type, { schema }]) =>
      fc.tuple(
        fc.constant(type),
        valueOf('', schema).map((value) => JSON.stringify(value)),
      ),
    );
  return fc
    .record({
      inPath: fc.tuple(
        ...inPath.map(({ name, schema }) =>
          valueOf(name, schema)
            .map(plain)
            .filter((value) => value !== ''),
        ),
      ),
      query: fc.tuple(
        ...query.map(({ name, schema, explode }) =>
          fc.option(
            valueOf(name, schema).map((value) => queryOf(name, value, explode)),
            { freq: 2 },
          ),
        ),
      ),
      named: fc.tuple(
        ...named.map(({ name, schema }) =>
          fc.option(
            valueOf(name, schema)
              .map(plain)
              .filter((value) => /^[\x21-\x7e]([ -~]*[\x21-\x7e])?$/.test(value))
              .map((value) => [name, value] as const),
          ),
        ),
      ),
      credential,
      body: body
        ? fc.oneof(
            { weight: 12, arbitrary: fc.oneof(...body) },
            ...(bodies[operationId] ?? []).map((one) => ({
              weight: 2,
              arbitrary: fc.constant(['application/json', JSON.stringify(one)] as const),
            })),
            {
              weight: 1,
              arbitrary: fc.tuple(
                fc.constantFrom('text/plain', 'application/json', ''),
                fc.constantFrom('', '{', 'null', '[]', '"\\u0000"', '\ufeff{}', '{"__proto__":1}'),
              ),
            },
          )
        : fc.constant(undefined),
    })
    .map((parts) => {
      const [type, text] = parts.body ?? [];
      const asked = parts.query.filter((one) => one !== null).join('&');
      let at = 0;
      return {
        path: path.replace(/\{\w+\}/g, () => encodeURIComponent(parts.inPath[at++]!)) + (asked && `?${asked}`),
        headers: {
          ...Object.fromEntries(parts.named.filter((one) => one !== null)),
          ...(parts.credential && { Authorization: parts.credential }),
          ...(type && { 'Content-Type': type }),
        },
        body: text,
      };
    });
}

/** Makes one call and returns its response; of a stream only as much as `enough` requires, by default the beginning. */
export function makeCall(
  base: string,
  method: string,
  { path, headers, body }: Call,
  enough: (text: string) => boolean = () => true,
): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const request = send({ hostname, port, path, method, headers, agent: false }, (response) => {
      const type = (response.headers['content-type'] ?? '').split(';')[0]!;
      const chunks: Buffer[] = [];
      const text = () => Buffer.concat(chunks).toString();
      const done = () =>
        resolve({ status: response.statusCode ?? 0, type, head: response.rawHeaders.join('\n'), text: text() });
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (type === 'text/event-stream' && enough(text())) request.destroy();
      });
      response.on('error', done);
      response.on('close', done);
    });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`${method} ${path} was not answered`)));
    request.on('error', reject);
    request.end(body);
  });
}
