import { createECDH } from 'node:crypto';
import { eventually } from '@tocsin/contracts/testing';
import { callRow, outcomeOf, targetIn } from './isolation/access-calls';
import { OPERATIONS, rowsOf, type Column, type Target } from './isolation/access-rows';
import { ApiDocument } from './kit/api-document';
import { makeCall, type Answer, type OpenApi } from './kit/fuzzed-calls';
import { ask } from './kit/http';
import { Stack } from './kit/stack';
import { nowSeconds, tokenFor } from './kit/tokens';

const SCOPES = 'alerts:read alerts:write events:publish access:revoke dead_letters:manage';
/** Callers who are refused come first, so that what they must not do has not been done yet. */
const ORDER: readonly Column[] = ['revoked_tenant', 'revoked_token', 'foreign', 'viewer', 'member'];
/** How many alerts and dead letters each tenant has: more than the calls act on. */
const EACH = 16;
const BEFORE = nowSeconds() - 60;

type Tenants = { id: string; role: string }[];
const both: Tenants = [
  { id: 'bakery', role: 'owner' },
  { id: 'cafe', role: 'owner' },
];
const PEOPLE: Record<string, Tenants> = {
  mia: both,
  rita: both,
  rob: both,
  vic: [{ id: 'bakery', role: 'viewer' }],
  eve: [{ id: 'diner', role: 'owner' }],
};

/** Without it no browser can subscribe. */
const VAPID_PUBLIC_KEY = createECDH('prime256v1').generateKeys('base64url');
/** Tokens name the same tenants as the tenant service, so that either may decide. */
const tokenOf = (user: string, claims: Record<string, unknown> = {}, scope = SCOPES) =>
  tokenFor(user, { scope, iat: BEFORE, iss: 'https://one/', tenants: PEOPLE[user], ...claims });
const credentials: Record<Column, string> = {
  member: tokenOf('mia'),
  revoked_tenant: tokenOf('rita'),
  revoked_token: tokenOf('rob', { jti: 'gone' }),
  foreign: tokenOf('eve'),
  viewer: tokenOf('vic'),
};

let stack: Stack;
let api: ApiDocument<OpenApi>;
let target: Target;
let assets: Record<string, string>;

beforeAll(async () => {
  stack = await Stack.open({ tenants: PEOPLE, gateways: 0 });
  // the same routes, decided by the tenant service and by the claim of the token
  await stack.startGateway({ VAPID_PUBLIC_KEY });
  await stack.startGateway({
    VAPID_PUBLIC_KEY,
    TENANT_SERVICE_URL: '',
    TENANT_SERVICE_TOKEN: '',
    JWT_TENANTS_CLAIM: 'tenants',
  });
  api = await ApiDocument.read(stack.gateway.url, '/docs/openapi.json');
  for (const tenant_id of ['bakery', 'cafe', 'diner']) {
    for (let i = 0; i < EACH; i += 1) {
      await stack.amqp.publish('alert.low.inventory', {
        tenant_id,
        id: `${tenant_id}-${i}`,
        title: `Secret of ${tenant_id}`,
      });
      await stack.amqp.publish('alert.low.inventory', { tenant_id, title: `Secret of ${tenant_id} `.repeat(40) });
    }
  }
  await stack.stored(3 * EACH);
  await eventually(
    async () => expect(await stack.sql('select 1 from tocsin.dead_letter')).toHaveLength(3 * EACH),
    20_000,
  );
  await revoke({ user_id: 'rita', tenant_id: 'bakery' });
  await revoke({ user_id: 'rob', jti: 'gone' });
  const page = await (await fetch(stack.gateway.url, { headers: { Accept: 'text/html' } })).text();
  assets = { readPageAsset: /assets\/([\w.-]+)/.exec(page)![1]!, readAsset: 'try-it.js' };
}, 120_000);
afterAll(() => stack?.close());

async function revoke(body: object): Promise<void> {
  const headers = {
    Authorization: `Bearer ${tokenFor('identity', { scope: 'access:revoke' })}`,
    'Content-Type': 'application/json',
  };
  expect(
    await ask(stack.gateway.url, '/api/v1/revocations', { method: 'POST', headers, body: JSON.stringify(body) }),
  ).toMatchObject({ status: 202 });
  // the other gateway reads the revocation within 2 s
  const [token, path] =
    'jti' in body
      ? [credentials.revoked_token, '/api/v1/tenants']
      : [credentials.revoked_tenant, '/api/v1/stats?tenant=bakery'];
  for (const { url } of stack.gateways)
    await eventually(
      async () =>
        expect((await ask(url, path, { headers: { Authorization: `Bearer ${token}` } })).status).toBeGreaterThanOrEqual(
          401,
        ),
      5_000,
    );
}

/**
 * Everything in the bakery that a call could have changed, except what a publisher may change and what a viewer has
 * seen.
 */
const bakery = () =>
  stack.sql(`
    select 'alert' as what, alert_id::text as id, row_to_json(a)::text as is from tocsin.alert a where tenant_id = 'bakery' and service not in ('published', 'pagerduty', 'opsgenie', 'topic')
    union all select 'letter', dead_letter_id::text, row_to_json(d)::text from tocsin.dead_letter d where tenant_id = 'bakery'
    union all select 'seen', user_id, row_to_json(s)::text from tocsin.seen s where tenant_id = 'bakery' and user_id <> 'vic' order by 1, 2`);

/** The headers that a JSON response lacks: it must not be cached, and must not be read as another type. */
const unmarked = ({ type, head }: Answer): string[] =>
  type.endsWith('json')
    ? ['Cache-Control\nno-store', 'X-Content-Type-Options\nnosniff'].filter((field) => !head.includes(field))
    : [];

const operationsOf = () =>
  Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security }]) => ({ path, method, operationId, security })),
  );

it('every operation of the document has its expectations, and there is none for what is not in it', () => {
  expect(Object.keys(OPERATIONS).sort()).toEqual(
    operationsOf()
      .map(({ operationId }) => operationId)
      .sort(),
  );
  // a route that checks no credential says so in both
  for (const { operationId, security } of operationsOf()) {
    expect([
      operationId,
      rowsOf(operationId).every(({ expected }) => expected('service').revoked_token !== '401 token_revoked'),
    ]).toEqual([operationId, security.length === 0]);
  }
});

describe.each(['service', 'claim'] as const)('by the %s', (by) => {
  it.each(ORDER)(
    '%s: every route answers as it should, shows nothing that it should not and changes nothing that it may not',
    async (column) => {
      const gateway = stack.gateways[by === 'service' ? 0 : 1]!.url;
      // two people with one name at two issuers, where the token names their tenants
      const token =
        column === 'foreign' && by === 'claim'
          ? tokenOf('mia', { iss: 'https://two/', tenants: PEOPLE.eve })
          : credentials[column];
      const mayChange = column === 'member';
      const before = await bakery();
      const shown: string[] = [];
      for (const { path, method, operationId } of operationsOf()) {
        for (const row of rowsOf(operationId)) {
          target = await targetIn(stack, 'bakery');
          const answer = await callRow(gateway, row, [path, method], token, target, assets);
          const what = `${operationId}, ${row.what}`;
          expect([what, outcomeOf(answer, row)]).toEqual([what, row.expected(by)[column]]);
          expect([what, unmarked(answer)]).toEqual([what, []]);
          if (/Secret of bakery/.test(answer.text)) shown.push(what);
          if (!mayChange) expect([what, await bakery()]).toEqual([what, before]);
        }
      }
      const reads = Object.keys(OPERATIONS).flatMap((operationId) =>
        rowsOf(operationId)
          .filter(({ shows }) => shows)
          .map(({ what }) => `${operationId}, ${what}`),
      );
      expect(shown.filter((what) => reads.includes(what))).toEqual(
        column === 'member' || column === 'viewer' ? reads : [],
      );
      if (!mayChange && column !== 'viewer') expect(shown).toEqual([]);
    },
    180_000,
  );

  it('a ticket and a cookie from before carry the same right as the token', async () => {
    const gateway = stack.gateways[by === 'service' ? 0 : 1]!.url;
    const issue = async (column: Column) => {
      const { json } = await ask(gateway, '/api/events/ticket', {
        method: 'POST',
        headers: { Authorization: `Bearer ${credentials[column]}` },
      });
      return String(json.ticket);
    };
    const open = async (column: Column, query: string) =>
      makeCall(
        gateway,
        'GET',
        { path: `/api/events?ticket=${await issue(column)}&since=200${query}`, headers: {}, body: undefined },
        (text) => text.includes('Secret of'),
      );
    expect(await open('revoked_tenant', '&tenant=bakery')).toMatchObject({ status: 403 });
    const left = await open('revoked_tenant', '');
    expect([left.text.includes('Secret of cafe'), left.text.includes('bakery')]).toEqual([true, false]);
    expect((await open('member', '&tenant=bakery')).text).toContain('Secret of bakery');

    const { headers } = await ask(gateway, '/api/events/ticket?mode=cookie', {
      method: 'POST',
      headers: { Authorization: `Bearer ${credentials.revoked_tenant}` },
    });
    const cookie = headers['set-cookie']![0]!.split(';')[0]!;
    expect(await ask(gateway, '/api/events?since=200&tenant=bakery', { headers: { Cookie: cookie } })).toMatchObject({
      status: 403,
    });
  });

  it('what was revoked from an operator of dead letters is out of reach by every way, and nothing else is', async () => {
    const gateway = stack.gateways[by === 'service' ? 0 : 1]!.url;
    const token = tokenOf('rita', {}, 'dead_letters:operate');
    const call = (path: string, body?: object) =>
      ask(gateway, `/api/v1/dead-letters${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
    const [letter] = await stack.sql<{ id: string }>(
      `select dead_letter_id::text as id from tocsin.dead_letter where tenant_id = 'bakery' limit 1`,
    );
    const before = await bakery();
    expect(await call('?tenant=bakery&status=all')).toMatchObject({ status: 403, json: { code: 'tenant_forbidden' } });
    expect(await call(`/${letter!.id}`)).toMatchObject({ status: 404 });
    for (const [path, body] of [
      ['redrive', {}],
      ['discard', { note: 'no' }],
    ] as const) {
      expect(await call(`/${letter!.id}/${path}`, body)).toMatchObject({ status: 404 });
      expect(await call(`/${path}`, { tenant_id: 'bakery', ...body })).toMatchObject({
        status: 403,
        json: { code: 'tenant_forbidden' },
      });
    }
    const all = await call('?status=all');
    expect([all.text.includes('diner'), all.text.includes('bakery')]).toEqual([true, false]);
    expect(await call('/discard', { note: 'the rest' })).toMatchObject({ status: 200, json: { left: 0 } });
    expect(await bakery()).toEqual(before);
  });
});
