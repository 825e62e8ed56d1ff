import fc from 'fast-check';
import { createECDH, createHash } from 'node:crypto';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { targetIn } from './isolation/access-calls';
import type { Target } from './isolation/access-rows';
import { ApiDocument, type Described } from './kit/api-document';
import { callsOf, makeCall, type Answer, type OpenApi } from './kit/fuzzed-calls';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

/** How long each operation is called: `FUZZ_SECONDS=60` is for a night. `FUZZ_SEED` makes the same calls again. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 0.25);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const TENANTS = ['bakery', 'cafe', 'foreign'];
const ENOUGH_LETTERS = 40;
const SCOPES = 'alerts:read alerts:write events:publish access:revoke dead_letters:manage dead_letters:operate';

/** What a provider or the link in a message must have signed: none of these calls may succeed. */
const SIGNED = new Set([
  'reportTwilioStatus',
  'receiveTwilioReply',
  'showAcknowledgement',
  'acknowledgeByLink',
  'showSubscription',
  'unsubscribe',
  // no OpenID provider is set here
  'showSession',
  'signOut',
  'signIn',
  'finishSignIn',
]);
const newKey = () => createECDH('prime256v1').generateKeys('base64url');
/** The recipients of a notification are a list of addresses; those of a tenant are a map. */
const PEOPLE = ['ana@example.com', '+4917012345678', 'user:ana', 'https://hooks.example.com/'];
const RECIPIENTS = [{}, { urgent: { email: ['ana@example.com'] } }];
const PUSH_ENDPOINT = 'https://push.example/of-a-browser';
const CALLS_A_ROUND = 25;
/** How long an operation may take until one call is not refused. */
const PATIENCE_MS = 20_000;

jest.setTimeout(120_000 + SECONDS * 60_000);

let stack: Stack;
let api: ApiDocument<OpenApi>;
let known: Record<string, readonly unknown[]>;
const targets: Target[] = [];
/** Of the three ways to say when, one; and each channel once, with a recipient that it reaches. */
const BODIES = {
  createNotification: [
    { tenant_id: TENANTS[0], title: 'Flour comes tomorrow', channels: ['email'], recipients: ['ana@example.com'] },
  ],
  replaceRecipients: [{ recipients: { urgent: { email: ['ana@example.com'] } } }],
};
/** Mostly the credential of a permitted user, sometimes an invalid one. */
const credential = fc.oneof(
  { weight: 12, arbitrary: fc.constant(`Bearer ${tokenFor('ana', { scope: SCOPES })}`) },
  { weight: 1, arbitrary: fc.constantFrom('', 'Bearer x.y.z', 'Basic eA==', `Bearer ${tokenFor('nobody')}`) },
);
beforeAll(async () => {
  stack = await Stack.open({
    tenants: { ana: ['bakery', 'cafe'], eve: ['foreign'] },
    gatewayEnvironment: { VAPID_PUBLIC_KEY: newKey() },
  });
  api = await ApiDocument.read(stack.gateway.url, '/docs/openapi.json');
  for (let i = 0; i < 60; i += 1)
    await stack.amqp.publish(`alert.${['urgent', 'low'][i % 2]}.inventory`, {
      tenant_id: TENANTS[i % 3],
      id: `m-${i}`,
      title: 'Flour',
      labels: { site: 'north' },
    });
  // what requests of Opsgenie name
  for (const tenant_id of TENANTS)
    for (const service of ['inventory', 'opsgenie'])
      await stack.amqp.publish(`alert.low.${service}`, {
        tenant_id,
        id: 'genie',
        dedup_key: 'genie',
        title: 'Flour',
        snapshot: true,
      });
  await stack.stored(66);
  const alerts = await stack.sql<{ alert_id: string }>('select alert_id from tocsin.alert');
  const alertIds = alerts.map(({ alert_id }) => alert_id);
  known = {
    requestId: [Buffer.from('genie').toString('base64url')],
    // a note on an alert that is not there waits for it
    identifier: ['genie'],
    tenant: TENANTS,
    tenant_id: TENANTS,
    service: ['inventory'],
    alert_id: alertIds,
    alert_ids: alertIds,
    name: ['swagger-ui.css', 'try-it.js', 'install', 'low_stock', ...(await pageAssets())],
    recipients: PEOPLE,
    channels: ['email', 'sms', 'push', 'webhook'],
    at: [new Date(Date.now() + 3_600_000).toISOString()],
    url: ['https://hooks.example.com/fuzzed'],
    endpoint: [PUSH_ENDPOINT],
    p256dh: [newKey()],
    browser: [createHash('sha256').update(PUSH_ENDPOINT).digest('hex')],
  };
  await openLetters();
  for (const tenant of ['bakery', 'cafe', 'foreign', 'bakery', 'cafe']) targets.push(await targetIn(stack, tenant));
}, 60_000);
afterAll(() => stack?.close());

/** The files of the page: their names contain a hash that cannot be guessed. */
async function pageAssets(): Promise<string[]> {
  const page = await (await fetch(stack.gateway.url, { headers: { Accept: 'text/html' } })).text();
  return [...page.matchAll(/assets\/([\w.-]+)/g)].map(([, name]) => name!);
}

/** Letters that are still open: earlier calls may have decided all others. */
async function openLetters(): Promise<number[]> {
  const open = () =>
    stack.sql<{ id: number }>("select dead_letter_id::float8 as id from tocsin.dead_letter where status = 'open'");
  if ((await open()).length < ENOUGH_LETTERS) {
    for (let i = 0; i < ENOUGH_LETTERS; i += 1)
      await stack.amqp.publish('alert.low.inventory', { tenant_id: TENANTS[i % 3], title: 'x'.repeat(301) });
  }
  return eventually(async () => {
    const letters = await open();
    expect(letters.length).toBeGreaterThanOrEqual(ENOUGH_LETTERS);
    return letters.map(({ id }) => id);
  }, 20_000);
}

/** The ids that a path with `{id}` can name. */
async function idsFor(path: string): Promise<readonly unknown[]> {
  if (path.startsWith('/api/v1/dead-letters')) return openLetters();
  if (path.startsWith('/api/v1/topics')) return TENANTS;
  const [, kind] = /^\/api\/v1\/(notification|deliver|webhook)/.exec(path) ?? [];
  if (kind === 'notification') return targets.map(({ notification }) => notification);
  const deliveries = targets.map(({ delivery }) => delivery);
  if (path.endsWith('/{id}/redrive')) await failed(deliveries);
  if (kind === 'deliver') return deliveries;
  return kind === 'webhook' ? targets.map(({ webhook }) => webhook) : [];
}

/** Only what is over can be redriven. */
async function failed(deliveries: readonly string[]): Promise<void> {
  await stack.sql('delete from tocsin.delivery_due where delivery_id = any ($1)', [deliveries]);
  await stack.sql(
    `update tocsin.delivery set status = 'failed', reason = 'rejected', settled_at = now() where delivery_id = any ($1)`,
    [deliveries],
  );
}

/** A browser of the user that gets push messages, for the calls that show and remove it. */
async function subscribed(): Promise<void> {
  const { status } = await ask(stack.gateway.url, '/api/v1/push', {
    method: 'PUT',
    headers: { Authorization: `Bearer ${tokenFor('ana', { scope: SCOPES })}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ endpoint: PUSH_ENDPOINT, p256dh: newKey(), auth: 'A'.repeat(22) }),
  });
  expect(status).toBe(200);
}

/** Where a response differs from the document; empty when it conforms. */
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
      known = { ...known, id: await idsFor(path), recipients: path.endsWith('/recipients') ? RECIPIENTS : PEOPLE };
      if (path === '/api/v1/push') await subscribed();
      const statuses = new Set<number>();
      const isDescribed = fc.asyncProperty(
        callsOf(api.document, path, operation, { known, bodies: BODIES, credential }),
        async (one) => {
          const answer = await makeCall(stack.gateway.url, method.toUpperCase(), one);
          statuses.add(answer.status);
          expect([operation.operationId, faultsOf(path, method, operation, answer)]).toEqual([
            operation.operationId,
            [],
          ]);
        },
      );
      const startedAt = performance.now();
      const tookMs = () => performance.now() - startedAt;
      const mayNotSucceed = SIGNED.has(operation.operationId);
      const succeeded = () => [...statuses].some((status) => status < 300) !== mayNotSucceed;
      // on a busy machine fewer calls, but enough that at least one was not refused
      for (
        let round = 0;
        round === 0 || tookMs() < SECONDS * 1_000 || (!succeeded() && tookMs() < PATIENCE_MS);
        round += 1
      )
        await fc.assert(isDescribed, { seed: SEED + round, numRuns: CALLS_A_ROUND });
      expect([operation.operationId, succeeded(), [...statuses]]).toEqual([operation.operationId, true, [...statuses]]);
    }
  }
});
