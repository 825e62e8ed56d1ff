import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import type { AppProcess } from '../kit/processes';
import { ask } from '../kit/http';
import type { Frame, SseStream } from '../kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from '../kit/stack';
import { JWT_SECRET, nowSeconds, tokenFor } from '../kit/tokens';
import { BuiltCopy } from './built-copy';
import { PrivateRedis } from './private-services';
import { limitMs, sized, WHOLE } from './size';
import { SteadyLoad, wallMs } from './steady-load';

/** A stream ends within this time after a revocation was accepted. */
const REVOKED_WITHIN_MS = 3_000;
const TENANTS_OF = {
  uma: ['bakery'],
  jim: ['bakery'],
  tom: ['bakery', 'cafe'],
  tina: ['bakery'],
  ben: ['bakery'],
  eve: ['bakery'],
  olga: ['bakery', 'cafe'],
};
/** The same users again for each state of Redis. */
const tenants = Object.fromEntries(
  ['up', 'down'].flatMap((state) => Object.entries(TENANTS_OF).map(([user, theirs]) => [`${user}-${state}`, theirs])),
);

const isEntryOf = (tenant: string, { data }: Frame): boolean => data.startsWith(`{"tenant_id":"${tenant}","seq":`);
const closeOf = ({ frames }: SseStream): unknown =>
  frames
    .filter(({ event }) => event === 'close')
    .map(({ data }) => (JSON.parse(data) as { reason: string; action: string }).reason);

let redis: PrivateRedis;
let stack: Stack;
let copy: BuiltCopy | undefined;
let load: SteadyLoad;

beforeAll(async () => {
  redis = await PrivateRedis.start();
  const environment = { REDIS_URL: redis.url };
  stack = await Stack.open({
    tenants: { ...tenants, rob: ['bakery', 'cafe'] },
    gateways: 2,
    gatewayEnvironment: environment,
    processorEnvironment: environment,
  });
  load = new SteadyLoad(stack.amqp, { tenants: ['bakery', 'cafe'], perSecond: 40 }).start();
}, 90_000);
afterAll(async () => {
  await load?.stop();
  await stack?.close();
  copy?.remove();
  await redis?.remove();
}, 60_000);

const bearer = (user: string, claims: Record<string, unknown> = {}) => ({
  Authorization: `Bearer ${tokenFor(user, claims)}`,
});

/** Revokes at the gateway that has none of the streams. Resolves to the time of acceptance. */
async function revoke(body: object): Promise<number> {
  const headers = { 'Content-Type': 'application/json', ...bearer('identity', { scope: 'access:revoke' }) };
  const { status, text } = await ask(stack.gateway.url, '/api/v1/revocations', {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  expect({ status, text }).toEqual({ status: 202, text: '{}' });
  return performance.now();
}

function expectEndedBy(stream: SseStream, reason: string, byMs: number): void {
  expect({ open: stream.open, close: closeOf(stream) }).toEqual({ open: false, close: [reason] });
  // `close` is the last frame, and comes in time
  expect(stream.frames.at(-1)!.event).toBe('close');
  expect(stream.frames.at(-1)!.receivedAt).toBeLessThanOrEqual(byMs);
  expect(stream.entries.length).toBeGreaterThan(0);
}

describe.each(['up', 'down'] as const)('the right to a stream ends, with Redis %s', (state) => {
  beforeAll(async () => {
    if (state === 'down') await redis.stop();
  });

  const nameOf = (user: keyof typeof TENANTS_OF) => `${user}-${state}`;
  const watch = (user: keyof typeof TENANTS_OF, claims: Record<string, unknown> = {}) =>
    stack.watch(nameOf(user), { gateway: stack.gateways[1]!, headers: bearer(nameOf(user), claims) });

  /** Each gateway's response to a token; one that asks to come back, because the tenant service was slow, is none. */
  const answers = (user: keyof typeof TENANTS_OF, claims: Record<string, unknown> = {}): Promise<unknown[]> =>
    Promise.all(
      stack.gateways.slice(0, 2).map(async (gateway) => {
        const headers = { Accept: 'text/event-stream', ...bearer(nameOf(user), claims) };
        return eventually(async () => {
          const { status, json, headers: said } = await ask(gateway.url, '/api/events', { headers });
          if (said['tocsin-refused'] !== undefined) throw new Error(`for now: ${String(said['tocsin-refused'])}`);
          return [status, json.code];
        });
      }),
    );

  it(
    'a revocation of a user, a token, a tenant, or of what was issued before: nothing after 3 s, refused from ' +
      'then on, and no other stream is disturbed',
    async () => {
      const earlier = nowSeconds() - 100;
      const [user, token, otherToken, oneOfTwo, onlyOne, old, young, ...others] = await Promise.all([
        watch('uma'),
        watch('jim', { jti: 'one' }),
        watch('jim', { jti: 'two' }),
        watch('tom'),
        watch('tina'),
        watch('ben', { iat: earlier }),
        watch('ben'),
        watch('olga'),
        watch('eve'),
      ]);
      const all = [user, token, otherToken, oneOfTwo, onlyOne, old, young, ...others];
      await eventually(() => expect(all.map(({ entries }) => entries.length > 5)).toEqual(all.map(() => true)));

      const [userAt, tokenAt, oneOfTwoAt, onlyOneAt, oldAt] = await Promise.all([
        revoke({ user_id: nameOf('uma') }),
        revoke({ user_id: nameOf('jim'), jti: 'one' }),
        revoke({ user_id: nameOf('tom'), tenant_id: 'bakery' }),
        revoke({ user_id: nameOf('tina'), tenant_id: 'bakery' }),
        revoke({ user_id: nameOf('ben'), issued_before: new Date((earlier + 50) * 1_000).toISOString() }),
      ]);
      await sleep(REVOKED_WITHIN_MS + 700);

      for (const [stream, at] of [
        [user, userAt],
        [token, tokenAt],
        [onlyOne, onlyOneAt],
        [old, oldAt],
      ] as const)
        expectEndedBy(stream, 'revoked', at + REVOKED_WITHIN_MS);
      // the stream of two tenants continues with one
      await oneOfTwo.frame((frame) => isEntryOf('cafe', frame) && frame.receivedAt > oneOfTwoAt + REVOKED_WITHIN_MS);
      expect(
        oneOfTwo.entries.filter(
          (frame) => isEntryOf('bakery', frame) && frame.receivedAt > oneOfTwoAt + REVOKED_WITHIN_MS,
        ),
      ).toEqual([]);
      const told = oneOfTwo.frames
        .filter(({ event }) => event === 'connection')
        .map(({ data }) =>
          (JSON.parse(data) as { tenants: { tenant_id: string }[] }).tenants.map(({ tenant_id }) => tenant_id),
        );
      expect(told).toEqual([['bakery', 'cafe'], ['cafe']]);
      // and the streams that the revocation did not concern continue
      for (const stream of [otherToken, young, ...others]) {
        expect({
          open: stream.open,
          connections: stream.frames.filter(({ event }) => event === 'connection').length,
        }).toEqual({ open: true, connections: 1 });
        await stream.frame(({ event, receivedAt }) => event !== 'heartbeat' && receivedAt > userAt + REVOKED_WITHIN_MS);
        expect(stream.faults).toEqual([]);
      }

      const revoked = [401, 'token_revoked'];
      expect(await answers('uma', { iat: earlier })).toEqual([revoked, revoked]);
      expect(await answers('jim', { jti: 'one' })).toEqual([revoked, revoked]);
      expect(await answers('ben', { iat: earlier })).toEqual([revoked, revoked]);
      expect(await answers('tina', { iat: earlier })).toEqual([
        [403, 'no_tenant'],
        [403, 'no_tenant'],
      ]);
      // a user who signs in again is admitted
      for (const stream of [await watch('uma', { iat: nowSeconds() + 1 }), oneOfTwo, otherToken, young, ...others])
        stream.close();
    },
    limitMs(8),
  );

  it(
    'expiry: the stream ends within 1 s of it, and nothing comes after',
    async () => {
      const expires = nowSeconds() + 3;
      const [stream, other] = [await watch('eve', { exp: expires }), await watch('eve')];
      const offset = wallMs() - performance.now();
      await stream.ended;
      expectEndedBy(stream, 'token_expired', expires * 1_000 - offset + 1_000);
      expect(stream.frames.at(-1)!.receivedAt + offset).toBeGreaterThanOrEqual(expires * 1_000 - 1);
      expect(await answers('eve', { exp: expires })).toEqual([
        [401, 'token_expired'],
        [401, 'token_expired'],
      ]);
      expect(other.open).toBe(true);
      other.close();
    },
    limitMs(4),
  );
});

describe('a membership', () => {
  const found = sized(60_000, 4_000);
  // a gateway does not become ready while its Redis is away
  beforeAll(() => redis.start());

  it(
    `that was removed without an announcement is found within ${found / 1_000} s, and one that is new as well${WHOLE ? '' : ' (a short run, in a build that looks every 2 s instead of every 45 s: npm run test:faults runs it whole)'}`,
    async () => {
      const gateway = await startGateway();
      const stream = await stack.watch('rob', { gateway });
      await stream.frame((frame) => isEntryOf('bakery', frame));
      stack.tenantService.assign('rob', ['cafe', 'diner']);
      const removedAt = performance.now();
      const next = await stream.frame(({ event, data }) => event === 'connection' && !data.includes('bakery'), found);
      expect(
        (JSON.parse(next.data) as { tenants: { tenant_id: string }[] }).tenants
          .map(({ tenant_id }) => tenant_id)
          .sort(),
      ).toEqual(['cafe', 'diner']);
      expect(next.receivedAt - removedAt).toBeLessThan(found);
      await stream.frame((frame) => isEntryOf('cafe', frame) && frame.receivedAt > next.receivedAt + 500);
      expect(
        stream.entries.filter((frame) => isEntryOf('bakery', frame) && frame.receivedAt > next.receivedAt),
      ).toEqual([]);

      stack.tenantService.assign('rob', []);
      await stream.frame('close', found);
      expect(closeOf(stream)).toEqual(['revoked']);
    },
    limitMs((2 * found) / 1_000),
  );

  async function startGateway(): Promise<AppProcess> {
    if (WHOLE) return stack.startGateway();
    const file = 'apps/gateway/src/live/lifetime.js';
    copy = new BuiltCopy([
      { file, search: 'const RECHECK_MS = 45_000;', replace: 'const RECHECK_MS = 2_000;' },
      { file, search: 'const HELD_FOR_MS = 50_000;', replace: 'const HELD_FOR_MS = 59_500;' },
    ]);
    return stack.startGateway({}, copy.program('gateway'));
  }
});

it('no log holds a secret', () => {
  for (const secret of [JWT_SECRET, TENANT_SERVICE_TOKEN]) expect(stack.processes.output).not.toContain(secret);
});
