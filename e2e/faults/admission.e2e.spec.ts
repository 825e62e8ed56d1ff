import { eventually } from '@tocsin/contracts/testing';
import type { AppProcess } from '../kit/processes';
import { ask } from '../kit/http';
import { SseStream } from '../kit/sse-client';
import { Stack } from '../kit/stack';
import { nowSeconds, tokenFor } from '../kit/tokens';
import { BuiltCopy } from './built-copy';
import { PrivateRedis } from './private-services';
import { limitMs } from './size';

const CAPS = { user: 2, tenant: 4, address: 6 };
/** The slots of a crashed gateway are free again within 6 s. */
const FREE_WITHIN_MS = 6_000;
/** What an attempt to open a stream may take on a busy machine, and the one before it. */
const ATTEMPT_MS = 2_000;
/** Every user has a tenant of their own, except the users of the tenant `shared`. */
const users = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}-${i}`);
const SHARED = users(12, 'shared');
const ALONE = [...users(12, 'alone'), 'ada', 'bob', 'cleo', 'dan', 'ed', 'fay', 'gus', 'hal'];
const tenants = Object.fromEntries([
  ...SHARED.map((user) => [user, ['shared']] as const),
  ...ALONE.map((user) => [user, [`of-${user}`]] as const),
]);

/**
 * Gateways that wait long for Redis. The real ones count for themselves when it does not answer within 200 or 300 ms,
 * as on a machine that stands still, and the counts are not exact then.
 */
const patient = new BuiltCopy([
  {
    file: 'libs/redis/src/stream-slots.redis.js',
    search: 'ANSWER_WITHIN_MS = 300',
    replace: 'ANSWER_WITHIN_MS = 20_000',
  },
]);

let redis: PrivateRedis;
let stack: Stack;
const opened: SseStream[] = [];

beforeAll(async () => {
  redis = await PrivateRedis.start();
  const gatewayEnvironment = {
    REDIS_URL: redis.url,
    STREAMS_PER_USER: String(CAPS.user),
    STREAMS_PER_TENANT: String(CAPS.tenant),
    STREAMS_PER_ADDRESS: String(CAPS.address),
    TRUSTED_PROXIES: '1',
  };
  stack = await Stack.open({
    tenants,
    gateways: 0,
    gatewayEnvironment,
    processorEnvironment: { REDIS_URL: redis.url },
  });
  const start = () => stack.startGateway({}, patient.program('gateway'));
  await Promise.all([start(), start()]);
}, 90_000);
afterEach(async () => {
  for (const stream of opened.splice(0)) stream.close();
  await eventually(async () =>
    expect(await Promise.all(stack.gateways.map((gateway) => gateway.metric('tocsin_sse_connections')))).toEqual(
      stack.gateways.map(() => 0),
    ),
  );
}, 20_000);
afterAll(async () => {
  await stack?.close();
  await redis?.remove();
  patient.remove();
}, 60_000);

interface Asked {
  user: string;
  /** The client's address, as the proxy in front reports it. Default: an address of the user's own. */
  address?: string;
  gateway?: AppProcess;
  accept?: string;
}

async function open({
  user,
  address = `192.0.2.${1 + ALONE.indexOf(user)}`,
  gateway = stack.gateway,
  accept = 'text/event-stream',
}: Asked): Promise<SseStream> {
  const stream = await SseStream.open(stack.eventsUrl(gateway), {
    headers: { Authorization: `Bearer ${tokenFor(user)}`, Accept: accept, 'X-Forwarded-For': address },
  });
  opened.push(stream);
  return stream;
}

/** The first event of a stream: `connection`, or the reason for which it was refused. */
async function beginning(stream: SseStream): Promise<string> {
  const { event, data } = await stream.frame(({ event }) => event === 'connection' || event === 'close');
  return event === 'close' ? (JSON.parse(data) as { reason: string }).reason : event;
}

/** All users connect at once, at the gateways in turn. */
async function crowdIn(all: readonly Asked[]): Promise<{ admitted: SseStream[]; refused: string[] }> {
  const streams = await Promise.all(all.map((asked, i) => open({ gateway: stack.gateways[i % 2]!, ...asked })));
  const begun = await Promise.all(streams.map(beginning));
  return {
    admitted: streams.filter((_, i) => begun[i] === 'connection'),
    refused: begun.filter((how) => how !== 'connection'),
  };
}

describe('caps', () => {
  const scopes: [keyof typeof CAPS, (i: number) => Asked][] = [
    ['user', () => ({ user: 'ada' })],
    ['tenant', (i) => ({ user: SHARED[i]!, address: `198.51.100.${i}` })],
    ['address', (i) => ({ user: ALONE[i]!, address: '203.0.113.7' })],
  ];

  it.each(scopes)(
    'per %s hold over two gateways, exactly, when many come at once; a stream that ends makes room for one',
    async (scope, asked) => {
      const { admitted, refused } = await crowdIn(Array.from({ length: 12 }, (_, i) => asked(i)));
      expect({ admitted: admitted.length, refused }).toEqual({
        admitted: CAPS[scope],
        refused: Array.from({ length: 12 - CAPS[scope] }, () => 'too_many_streams'),
      });
      admitted[0]!.close();
      const another = { ...asked(11), gateway: stack.gateways[1]! };
      await eventually(async () => expect(await beginning(await open(another))).toBe('connection'));
      expect(await beginning(await open(another))).toBe('too_many_streams');
    },
  );

  it('are told to an EventSource in a stream that it comes back to, and to others with a status', async () => {
    await crowdIn([{ user: 'bob' }, { user: 'bob' }]);
    const cursor = '01arz3ndektsv4rrffq69g5fav-7-abcdefgh';
    const headers = { Authorization: `Bearer ${tokenFor('bob')}`, 'X-Forwarded-For': '192.0.2.99' };
    const stream = await SseStream.open(stack.eventsUrl(), { headers: { ...headers, 'Last-Event-ID': cursor } });
    await stream.ended;
    expect({
      status: stream.status,
      type: stream.headers['content-type'],
      refused: stream.headers['tocsin-refused'],
    }).toEqual({
      status: 200,
      type: expect.stringMatching(/^text\/event-stream/) as string,
      refused: 'too_many_streams',
    });
    expect(stream.frames.map(({ event }) => event)).toEqual(['close']);
    expect(stream.retryMs).toBeGreaterThanOrEqual(2_000);
    expect(JSON.parse(stream.frames[0]!.data)).toEqual({
      reason: 'too_many_streams',
      action: 'reconnect',
      retry_ms: stream.retryMs,
    });
    expect([undefined, cursor]).toContain(stream.frames[0]!.id);
    expect(stream.faults).toEqual([]);

    const other = await ask(stack.gateway.url, '/api/events', { headers: { ...headers, Accept: '*/*' } });
    expect({
      status: other.status,
      code: other.json.code,
      refused: other.headers['tocsin-refused'],
      retry: other.headers['retry-after'],
    }).toEqual({
      status: 429,
      code: 'too_many_streams',
      refused: 'too_many_streams',
      retry: expect.stringMatching(/^[1-8]$/) as string,
    });
  });

  it(
    'what a gateway held that was killed is free again within 6 s',
    async () => {
      const doomed = await stack.startGateway();
      await Promise.all(
        [open({ user: 'cleo', gateway: doomed }), open({ user: 'cleo', gateway: doomed })].map(async (stream) =>
          beginning(await stream),
        ),
      );
      expect(await beginning(await open({ user: 'cleo' }))).toBe('too_many_streams');
      await doomed.kill();
      stack.gateways.splice(stack.gateways.indexOf(doomed), 1);
      const killedAt = performance.now();
      // not at once either: until its lifetime is over the gateway may be alive
      expect(await beginning(await open({ user: 'cleo' }))).toBe('too_many_streams');
      await eventually(async () => expect(await beginning(await open({ user: 'cleo' }))).toBe('connection'), 15_000);
      expect(performance.now() - killedAt).toBeLessThan(FREE_WITHIN_MS + ATTEMPT_MS);
    },
    limitMs(8),
  );

  it(
    'hold a gateway while Redis is away, and all gateways again when it is back',
    async () => {
      await redis.stop();
      const [here, there] = await Promise.all(
        stack.gateways
          .slice(0, 2)
          .map((gateway) => crowdIn(Array.from({ length: 4 }, () => ({ user: 'dan', gateway })))),
      );
      expect([here!.admitted.length, there!.admitted.length]).toEqual([CAPS.user, CAPS.user]);
      expect([...here!.refused, ...there!.refused]).toEqual(Array.from({ length: 4 }, () => 'too_many_streams'));
      await redis.start();
      // one stream leaves each gateway: neither has as many as the cap, but both together have
      for (const { admitted } of [here!, there!]) admitted[0]!.close();
      for (const gateway of stack.gateways.slice(0, 2)) await eventually(() => expectRefused({ user: 'dan', gateway }));
      for (const gateway of stack.gateways.slice(0, 2)) await expectRefused({ user: 'dan', gateway });
    },
    limitMs(10),
  );

  /** If the stream is admitted, it is closed again, so that it is not the reason why the next one is refused. */
  async function expectRefused(asked: Asked): Promise<void> {
    const stream = await open(asked);
    const how = await beginning(stream);
    stream.close();
    expect(how).toBe('too_many_streams');
  }

  it('a user who connects too often to one gateway is told so', async () => {
    const strict = await stack.startGateway({
      CONNECTS_PER_SECOND: '1',
      STREAMS_PER_USER: '0',
      STREAMS_PER_TENANT: '0',
      STREAMS_PER_ADDRESS: '0',
    });
    const begun: string[] = [];
    for (let i = 0; i < 6; i += 1) begun.push(await beginning(await open({ user: 'ed', gateway: strict })));
    expect(begun.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => 'connection'));
    expect(begun.slice(4)).toContain('rate_limited');
  });
});

describe.each(['up', 'down'] as const)('a ticket, with Redis %s', (state) => {
  const ticketOf = async (user: string): Promise<string> => {
    const { status, json } = await ask(stack.gateway.url, '/api/events/ticket', {
      method: 'POST',
      headers: { Authorization: `Bearer ${tokenFor(user)}` },
    });
    expect(status).toBe(201);
    return json.ticket as string;
  };
  /** Shows the ticket at both gateways, `times` times each, all at once. Resolves to each status with its code. */
  async function shown(ticket: string, times: number): Promise<unknown[]> {
    const streams = await Promise.all(
      stack.gateways.slice(0, 2).flatMap((gateway) =>
        Array.from({ length: times }, () =>
          SseStream.open(stack.eventsUrl(gateway), {
            query: { ticket },
            headers: { 'X-Forwarded-For': '192.0.2.200' },
          }),
        ),
      ),
    );
    opened.push(...streams);
    return Promise.all(
      streams.map(async (stream) =>
        stream.status === 200
          ? beginning(stream)
          : [stream.status, (JSON.parse(await stream.body()) as { code: string }).code],
      ),
    );
  }
  let before: string;
  beforeAll(async () => {
    before = await ticketOf('fay');
    if (state === 'up') return;
    await redis.stop();
    // a gateway that has not noticed yet takes the next ticket for one that was issued before the outage
    for (const { adminUrl } of stack.gateways)
      await eventually(async () =>
        expect(await (await fetch(`${adminUrl}/health`)).json()).toMatchObject({
          dependencies: { redis: { status: 'down' } },
        }),
      );
  });

  it('opens one stream, however many show it at once to whichever gateway, and none later', async () => {
    const ticket = await ticketOf('fay');
    const outcomes = await shown(ticket, 5);
    expect(outcomes.filter((outcome) => outcome === 'connection')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome !== 'connection')).toEqual(
      Array.from({ length: 9 }, () => [401, 'invalid_ticket']),
    );
    expect(await shown(ticket, 1)).toEqual([
      [401, 'invalid_ticket'],
      [401, 'invalid_ticket'],
    ]);
  });

  if (state === 'up') return;

  it('from before Redis went away opens none: its page is told to come back, and gets another', async () => {
    expect(await shown(before, 2)).toEqual(Array.from({ length: 4 }, () => 'store_unavailable'));
    expect(await shown(await ticketOf('fay'), 1)).toContain('connection');
  });

  it('that was spent while Redis was away stays spent when it is back', async () => {
    const ticket = await ticketOf('fay');
    expect(await shown(ticket, 1)).toContain('connection');
    await redis.start();
    await eventually(async () =>
      expect((await shown(await ticketOf('gus'), 1)).filter((outcome) => outcome === 'connection')).toHaveLength(1),
    );
    expect(await shown(ticket, 2)).toEqual(Array.from({ length: 4 }, () => [401, 'invalid_ticket']));
  });
});

describe('the cookie door', () => {
  interface Cookie {
    header: string;
    attributes: string[];
  }
  async function signIn(claims: Record<string, unknown> = {}): Promise<Cookie> {
    const { status, headers, json } = await ask(stack.gateway.url, '/api/events/ticket?mode=cookie', {
      method: 'POST',
      headers: { Authorization: `Bearer ${tokenFor('hal', claims)}` },
    });
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(json).not.toHaveProperty('ticket');
    const [pair, ...attributes] = headers['set-cookie']![0]!.split('; ');
    return { header: pair!, attributes };
  }
  async function enter(
    { header }: Cookie,
    { gateway = stack.gateway, cursor }: { gateway?: AppProcess; cursor?: string } = {},
  ): Promise<SseStream> {
    const stream = await SseStream.open(stack.eventsUrl(gateway), {
      headers: { Cookie: header, 'X-Forwarded-For': '192.0.2.201' },
      ...(cursor ? { cursor } : {}),
    });
    opened.push(stream);
    return stream;
  }

  it('opens a stream again and again, at any gateway and where it left off, as an EventSource does', async () => {
    const cookie = await signIn();
    expect(cookie.header).toMatch(/^__Host-tocsin_stream=./);
    expect(cookie.attributes).toEqual(
      expect.arrayContaining(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict', 'Max-Age=900']),
    );
    expect(cookie.attributes.some((attribute) => attribute.startsWith('Domain'))).toBe(false);
    const first = await enter(cookie);
    await first.frame('connection');
    await stack.amqp.publish('alert.high.inventory', {
      tenant_id: 'of-hal',
      service: 'inventory',
      id: 'm-1',
      name: 'low_stock',
    });
    await first.entry('m-1');
    first.close();
    await stack.amqp.publish('alert.high.inventory', {
      tenant_id: 'of-hal',
      service: 'inventory',
      id: 'm-2',
      name: 'low_stock',
    });
    const second = await enter(cookie, { gateway: stack.gateways[1]!, cursor: first.cursor });
    expect((JSON.parse((await second.frame('connection')).data) as { verdict: string }).verdict).toBe('resumed');
    await second.entry('m-2');
    expect(second.entries).toHaveLength(1);
  });

  it('is shut with the right that it came from: at its end, and when it is revoked', async () => {
    const expires = nowSeconds() + 3;
    const short = await signIn({ exp: expires });
    expect(Number(/Max-Age=(\d+)/.exec(short.attributes.join())![1])).toBeLessThanOrEqual(3);
    const stream = await enter(short);
    await stream.frame('connection');
    await stream.ended;
    expect(JSON.parse(stream.frames.at(-1)!.data)).toMatchObject({ reason: 'token_expired', action: 'reauthenticate' });
    expect(Date.now()).toBeLessThan(expires * 1_000 + 1_000);
    const late = await enter(short);
    expect([late.status, await late.body()]).toEqual([401, expect.stringContaining('invalid_ticket')]);

    const revoked = await signIn({ jti: 'of-the-cookie' });
    const held = await enter(revoked, { gateway: stack.gateways[1]! });
    await held.frame('connection');
    const headers = {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${tokenFor('identity', { scope: 'access:revoke' })}`,
    };
    await ask(stack.gateway.url, '/api/v1/revocations', {
      method: 'POST',
      headers,
      body: JSON.stringify({ user_id: 'hal', jti: 'of-the-cookie' }),
    });
    expect((await held.frame('close', 3_000)).data).toContain('"reason":"revoked"');
    const refused = await enter(revoked);
    expect([refused.status, await refused.body()]).toEqual([401, expect.stringContaining('token_revoked')]);
  }, 30_000);

  it('opens nothing but streams, and gives way to a credential that was chosen', async () => {
    const { header } = await signIn();
    const publish = await ask(stack.gateway.url, '/api/v1/events', {
      method: 'POST',
      headers: { Cookie: header, 'Content-Type': 'application/json' },
      body: '{}',
    });
    expect([publish.status, publish.json.code]).toEqual([401, 'missing_credentials']);
    const other = await ask(stack.gateway.url, '/api/events', {
      headers: { Cookie: header, Accept: 'text/event-stream', Authorization: 'Bearer no.token.at-all' },
    });
    expect(other.status).toBe(401);
  });

  it('no log holds it', async () => {
    const { header } = await signIn();
    const value = header.slice(header.indexOf('=') + 1);
    (await enter({ header, attributes: [] })).close();
    await eventually(() => expect(stack.gateway.output).toContain('stream closed'));
    expect(stack.processes.output).not.toContain(value.split('.')[2]!);
  });
});
