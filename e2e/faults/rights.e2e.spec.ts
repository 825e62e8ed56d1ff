import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import type { AppProcess, Environment } from '../kit/processes';
import { SseStream } from '../kit/sse-client';
import { Stack } from '../kit/stack';
import { nowSeconds, tokenFor } from '../kit/tokens';
import { BuiltCopy } from './built-copy';

/** How often rights are looked up in the build of these tests; by default every 45 s. */
const RECHECK_MS = 500;
const ROUNDS = 6;
const CLAIM: Environment = { TENANT_SERVICE_URL: '', TENANT_SERVICE_TOKEN: '', JWT_TENANTS_CLAIM: 'tenants' };
/** The tenant service is asked with the user's own token, and decides by it. */
const OWN_TOKEN: Environment = { TENANT_SERVICE_TOKEN: '' };
// names that are no hexadecimal number: an id of an alert could hold one by chance
const TENANT_OF: Record<string, string> = { 'https://one/': 'bakery', 'https://two/': 'tavern' };

let copy: BuiltCopy;
let stack: Stack;
beforeAll(async () => {
  const lifetime = 'apps/gateway/src/live/lifetime.js';
  const memberships = 'libs/auth/src/memberships.js';
  copy = new BuiltCopy([
    { file: lifetime, search: 'const RECHECK_MS = 45_000;', replace: `const RECHECK_MS = ${RECHECK_MS};` },
    // an answer counts for this long and 100 ms more
    { file: lifetime, search: 'const HELD_FOR_MS = 50_000;', replace: 'const HELD_FOR_MS = 900;' },
    { file: memberships, search: 'const FRESH_MS = 60_000;', replace: 'const FRESH_MS = 1_000;' },
    { file: lifetime, search: 'const TICK_MS = 1_000;', replace: 'const TICK_MS = 50;' },
    { file: memberships, search: 'const STALE_MS = 10 * 60_000;', replace: 'const STALE_MS = 1_900;' },
    { file: memberships, search: 'const AWAY_MS = 10_000;', replace: 'const AWAY_MS = 100;' },
  ]);
  stack = await Stack.open({ tenants: { ana: ['bakery', 'tavern'] }, gateways: 0 });
}, 90_000);
afterAll(async () => {
  await stack?.close();
  copy?.remove();
});

const start = (environment: Environment): Promise<AppProcess> =>
  stack.startGateway(environment, copy.program('gateway'));
/** The same user name with another token. Each token expires later than the one before, so each is the newest once. */
let expires = nowSeconds() + 3_600;
const tokenOf = (claims: Record<string, unknown>): string => tokenFor('ana', { exp: (expires += 10), ...claims });

/** Alerts in both tenants for as long as some rechecks take, and a last one that all clients wait for. */
let published = 0;
async function someRechecks(): Promise<string> {
  const until = performance.now() + ROUNDS * RECHECK_MS;
  for (;;) {
    const id = `m-${(published += 1)}`;
    for (const tenant_id of ['bakery', 'tavern'])
      await stack.amqp.publish('alert.low.inventory', { tenant_id, id, title: `Secret of ${tenant_id}` });
    if (performance.now() >= until) return id;
    await new Promise((resolve) => setTimeout(resolve, RECHECK_MS / 5));
  }
}

async function expectUndisturbed(
  streams: readonly { stream: SseStream; tenant: string; what: string }[],
): Promise<void> {
  const last = await someRechecks();
  for (const { stream, tenant, what } of streams) {
    await stream.entry(last);
    const foreign = tenant === 'bakery' ? 'tavern' : 'bakery';
    const frames = (event: string) => stream.frames.filter((frame) => frame.event === event).length;
    expect({
      what,
      foreign: stream.text.includes(foreign),
      connections: frames('connection'),
      closes: frames('close'),
      open: stream.open,
    }).toEqual({ what, foreign: false, connections: 1, closes: 0, open: true });
  }
}

describe.each<[string, Environment, (tenant: string) => Record<string, unknown>]>([
  ['two tokens of one user that name their tenants', CLAIM, (tenant) => ({ iss: 'https://one/', tenants: [tenant] })],
  [
    'users of two issuers whose tokens name their tenants',
    CLAIM,
    (tenant) => ({
      iss: tenant === 'bakery' ? 'https://one/' : 'https://two/',
      tenants: [{ id: tenant, role: 'owner' }],
    }),
  ],
  [
    'users of two issuers whom the tenant service tells apart by their tokens',
    OWN_TOKEN,
    (tenant) => ({ iss: tenant === 'bakery' ? 'https://one/' : 'https://two/' }),
  ],
])('%s', (_, environment, claimsOf) => {
  let gateway: AppProcess;
  beforeAll(async () => {
    stack.tenantService.byClaims = ({ iss }) => [TENANT_OF[String(iss)]!];
    gateway = await start(environment);
  }, 90_000);
  afterAll(() => (stack.tenantService.byClaims = undefined));

  it('share no stream: after several rechecks each has its own tenant, nothing of the other, and has not been disturbed', async () => {
    const streams: { stream: SseStream; tenant: string; what: string }[] = [];
    for (const tenant of ['bakery', 'tavern', 'bakery']) {
      const bearer = { Authorization: `Bearer ${tokenOf(claimsOf(tenant))}` };
      streams.push({
        tenant,
        what: `${tenant} by a token`,
        stream: await stack.watch('ana', { gateway, headers: bearer }),
      });
      streams.push({
        tenant,
        what: `${tenant} by a token, narrowed`,
        stream: await stack.watch('ana', { gateway, headers: bearer, query: { tenant } }),
      });
      const issued = await ask(gateway.url, '/api/events/ticket', { method: 'POST', headers: bearer });
      const byTicket = await SseStream.open(stack.eventsUrl(gateway), {
        query: { ticket: String(issued.json.ticket) },
      });
      await byTicket.frame('connection');
      streams.push({ tenant, what: `${tenant} by a ticket`, stream: byTicket });
    }
    await expectUndisturbed(streams);
    for (const { stream } of streams) stream.close();
  }, 60_000);
});

it('one token that is no longer answered ends its own stream, and no other of the user', async () => {
  let answered = true;
  stack.tenantService.byClaims = ({ jti }) => (answered || jti === 'well' ? ['bakery'] : undefined);
  const gateway = await start(OWN_TOKEN);
  const watch = (jti: string) =>
    stack.watch('ana', { gateway, headers: { Authorization: `Bearer ${tokenOf({ jti })}` } });
  const [well, ill] = [await watch('well'), await watch('ill')];
  answered = false;
  const close = await ill.frame('close', 20_000);
  expect(JSON.parse(close.data)).toMatchObject({ reason: 'tenant_service_unavailable', action: 'reconnect' });
  await expectUndisturbed([{ stream: well, tenant: 'bakery', what: 'well' }]);
  well.close();
  stack.tenantService.byClaims = undefined;
}, 60_000);

it('the streams of one user over the tenant service are one question a recheck, however many and by however many tokens', async () => {
  const gateway = await start({});
  const streams = await Promise.all(
    Array.from({ length: 20 }, () =>
      stack.watch('ana', { gateway, headers: { Authorization: `Bearer ${tokenOf({ iss: 'https://one/' })}` } }),
    ),
  );
  const asked = () => stack.tenantService.requestsFor('ana');
  const [before, startedAt] = [asked(), performance.now()];
  await eventually(() => expect(asked() - before).toBeGreaterThanOrEqual(ROUNDS), 30_000);
  const rechecks = (performance.now() - startedAt) / RECHECK_MS;
  expect(asked() - before).toBeLessThanOrEqual(rechecks + 1);
  for (const stream of streams) stream.close();
}, 60_000);

describe('users of two issuers with one name', () => {
  let gateway: AppProcess;
  const headers = (iss: string) => ({
    Authorization: `Bearer ${tokenOf({ iss, tenants: ['bakery'], scope: 'alerts:read' })}`,
    'Content-Type': 'application/json',
  });
  beforeAll(async () => {
    gateway = await start({ ...CLAIM, STREAMS_PER_USER: '2', CONNECTS_PER_SECOND: '1' });
  }, 90_000);

  it('do not take each other’s places for streams, nor use up each other’s connects', async () => {
    const watch = (iss: string) => stack.watch('ana', { gateway, headers: headers(iss) });
    const refusal = async (iss: string) =>
      (await ask(gateway.url, '/api/events', { headers: { ...headers(iss), Accept: '*/*' } })).json.code;
    const held = [await watch('https://one/'), await watch('https://one/')];
    expect(await refusal('https://one/')).toBe('too_many_streams');
    held.push(await watch('https://two/'), await watch('https://two/'));
    expect(await refusal('https://two/')).toBe('too_many_streams');
    await eventually(async () => expect(await refusal('https://one/')).toBe('rate_limited'));
    held.push(await watch('https://three/'));
    for (const stream of held) stream.close();
  });

  it('have seen what each has seen, and not what the other has', async () => {
    await stack.amqp.publish('alert.low.inventory', { tenant_id: 'bakery', id: 'seen', title: 'Seen' });
    await stack.stored(1);
    const [head] = await stack.sql<{ epoch: string }>(
      `select epoch from tocsin.tenant_stream where tenant_id = 'bakery'`,
    );
    const cursor = (iss: string, body?: object) =>
      ask(gateway.url, '/api/v1/me/cursor', {
        method: body ? 'PUT' : 'GET',
        headers: headers(iss),
        ...(body && { body: JSON.stringify(body) }),
      });
    const mine = { tenants: [{ tenant_id: 'bakery', epoch: head!.epoch, seq: 1 }] };
    expect((await cursor('https://one/', mine)).json).toEqual(mine);
    expect((await cursor('https://two/')).json).toEqual({ tenants: [] });
    expect((await cursor('https://one/')).json).toEqual(mine);
  });
});
