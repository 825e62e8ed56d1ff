import fc from 'fast-check';
import { request as send } from 'node:http';
import { eventually, queryOf, SchemaValues, type ValueSchema } from '@tocsin/contracts/testing';
import { ApiDocument, type Described } from './kit/api-document';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

/** How long each operation is called: `FUZZ_SECONDS=60` for a night. `FUZZ_SEED` makes the same calls again. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 0.25);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
/** How long an answer may take. A publisher may ask to wait for 10 s. */
const TIMEOUT_MS = 20_000;
const TENANTS = ['bakery', 'cafe', 'foreign'];
const ENOUGH_LETTERS = 40;
const SCOPES = 'alerts:read alerts:write events:publish access:revoke dead_letters:manage';

const CALLS_A_ROUND = 25;
/** How long an operation may take to have one call that is not refused. */
const PATIENCE_MS = 20_000;

interface OpenApi {
  paths: Record<string, Record<string, Described>>;
}
interface Call {
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}
interface Answer {
  status: number;
  type: string;
  text: string;
}

jest.setTimeout(120_000 + SECONDS * 60_000);

let stack: Stack;
let api: ApiDocument<OpenApi>;
let known: Record<string, readonly unknown[]>;
beforeAll(async () => {
  stack = await Stack.open({ tenants: { ana: ['bakery', 'cafe'], eve: ['foreign'] } });
  api = await ApiDocument.read(stack.gateway.url, '/docs/openapi.json');
  for (let i = 0; i < 60; i += 1) await stack.amqp.publish(`alert.${['urgent', 'low'][i % 2]}.inventory`, { tenant_id: TENANTS[i % 3], id: `m-${i}`, title: 'Flour', labels: { site: 'north' } });
  await stack.stored(60);
  const alerts = await stack.sql<{ alert_id: string }>('select alert_id from tocsin.alert');
  const alertIds = alerts.map(({ alert_id }) => alert_id);
  known = { tenant: TENANTS, tenant_id: TENANTS, service: ['inventory'], alert_id: alertIds, alert_ids: alertIds, name: ['swagger-ui.css', 'try-it.js', 'low_stock', ...(await pageAssets())] };
}, 60_000);
afterAll(() => stack?.close());

/** What the page is made of: names with a hash, which nobody guesses. */
async function pageAssets(): Promise<string[]> {
  const page = await (await fetch(stack.gateway.url, { headers: { Accept: 'text/html' } })).text();
  return [...page.matchAll(/assets\/([\w.-]+)/g)].map(([, name]) => name!);
}

/** Letters that nobody has decided on yet: calls before may have decided on all that there were. */
async function openLetters(): Promise<number[]> {
  const open = () => stack.sql<{ id: number }>("select dead_letter_id::int as id from tocsin.dead_letter where status = 'open'");
  if ((await open()).length < ENOUGH_LETTERS) {
    for (let i = 0; i < ENOUGH_LETTERS; i += 1) await stack.amqp.publish('alert.low.inventory', { tenant_id: TENANTS[i % 3], title: 'x'.repeat(301) });
  }
  return eventually(async () => {
    const letters = await open();
    expect(letters.length).toBeGreaterThanOrEqual(ENOUGH_LETTERS);
    return letters.map(({ id }) => id);
  }, 20_000);
}

/** Every call that a client might make, and some that it should not. */
function callsOf(path: string, { parameters, requestBody }: Described): fc.Arbitrary<Call> {
  const values = new SchemaValues(api.document, known);
  const valueOf = (name: string, schema: ValueSchema) => fc.oneof({ weight: 4, arbitrary: values.named(name, schema) }, { weight: 1, arbitrary: values.near(schema) });
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const named = parameters.filter((parameter) => parameter.in === 'header');
  const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed();
  const body = requestBody && Object.entries(requestBody.content).map(([type, { schema }]) => fc.tuple(fc.constant(type), valueOf('', schema).map((value) => JSON.stringify(value))));
  return fc
    .record({
      inPath: fc.tuple(...inPath.map(({ name, schema }) => valueOf(name, schema).map(plain).filter((value) => value !== ''))),
      query: fc.tuple(...query.map(({ name, schema, explode }) => fc.option(valueOf(name, schema).map((value) => queryOf(name, value, explode)), { freq: 2 }))),
      named: fc.tuple(...named.map(({ name, schema }) => fc.option(valueOf(name, schema).map(plain).filter((value) => /^[\x21-\x7e]([ -~]*[\x21-\x7e])?$/.test(value)).map((value) => [name, value] as const)))),
      credential: fc.oneof({ weight: 12, arbitrary: fc.constant(`Bearer ${tokenFor('ana', { scope: SCOPES })}`) }, { weight: 1, arbitrary: fc.constantFrom('', 'Bearer x.y.z', 'Basic eA==', `Bearer ${tokenFor('nobody')}`) }),
      body: body ? fc.oneof({ weight: 12, arbitrary: fc.oneof(...body) }, { weight: 1, arbitrary: fc.tuple(fc.constantFrom('text/plain', 'application/json', ''), fc.constantFrom('', '{', 'null', '[]', '"\\u0000"', '\ufeff{}', '{"__proto__":1}')) }) : fc.constant(undefined),
    })
    .map((parts) => {
      const [type, text] = parts.body ?? [];
      const asked = parts.query.filter((one) => one !== null).join('&');
      let at = 0;
      return {
        path: path.replace(/\{\w+\}/g, () => encodeURIComponent(parts.inPath[at++]!)) + (asked && `?${asked}`),
        headers: { ...Object.fromEntries(parts.named.filter((one) => one !== null)), ...(parts.credential && { Authorization: parts.credential }), ...(type && { 'Content-Type': type }) },
        body: text,
      };
    });
}

/** One call, and its answer; of a stream only the beginning. */
function call(method: string, { path, headers, body }: Call): Promise<Answer> {
  const { hostname, port } = new URL(stack.gateway.url);
  return new Promise((resolve, reject) => {
    const request = send({ hostname, port, path, method, headers, agent: false }, (response) => {
      const type = (response.headers['content-type'] ?? '').split(';')[0]!;
      const chunks: Buffer[] = [];
      const done = () => resolve({ status: response.statusCode ?? 0, type, text: Buffer.concat(chunks).toString() });
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (type === 'text/event-stream') request.destroy();
      });
      response.on('error', done);
      response.on('close', done);
    });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`${method} ${path} was not answered`)));
    request.on('error', reject);
    request.end(body);
  });
}

/** Where an answer differs from the document; empty when it is described. */
function faultsOf(path: string, method: string, { responses }: Described, { status, type, text }: Answer): string[] {
  if (status >= 500) return [`${status} ${text}`];
  const content = responses[status]?.content;
  if (!responses[status]) return [`${status} is not described: ${text}`];
  if (!content || method === 'head') return text === '' ? [] : [`a body where none is described: ${text}`];
  if (!Object.hasOwn(content, type)) return [`${status} with ${type} is not described`];
  const at = ['paths', path, method, 'responses', String(status), 'content', type, 'schema'];
  return api.faults(at, type.endsWith('json') ? JSON.parse(text) : text);
}

it(`calls that are made from the document get answers that are in it (FUZZ_SEED=${SEED})`, async () => {
  for (const [path, methods] of Object.entries(api.document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      known = { ...known, id: path.startsWith('/api/v1/dead-letters') ? await openLetters() : [] };
      const statuses = new Set<number>();
      const isDescribed = fc.asyncProperty(callsOf(path, operation), async (one) => {
        const answer = await call(method.toUpperCase(), one);
        statuses.add(answer.status);
        expect([operation.operationId, faultsOf(path, method, operation, answer)]).toEqual([operation.operationId, []]);
      });
      const startedAt = performance.now();
      const tookMs = () => performance.now() - startedAt;
      const succeeded = () => [...statuses].some((status) => status < 300);
      // on a busy machine fewer calls, but never so few that all of them were refused
      for (let round = 0; round === 0 || tookMs() < SECONDS * 1_000 || (!succeeded() && tookMs() < PATIENCE_MS); round += 1) await fc.assert(isDescribed, { seed: SEED + round, numRuns: CALLS_A_ROUND });
      expect([operation.operationId, succeeded(), [...statuses]]).toEqual([operation.operationId, true, [...statuses]]);
    }
  }
});
