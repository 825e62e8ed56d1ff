import { FaultProxy } from '@tocsin/fault-proxy';
import { BuiltCopy } from './faults/built-copy';
import { ask } from './kit/http';
import type { AppProcess } from './kit/processes';
import { Stack } from './kit/stack';
import { publisherToken, tokenFor } from './kit/tokens';

const PER_USER = 5;
const PER_TOKEN = 3;
const PER_ADDRESS = 40;

/**
 * Gateways that wait long for Redis. The real ones count for themselves when it does not answer within 200 or 300 ms,
 * as on a machine that stands still, and the counts are not exact then.
 */
const patient = new BuiltCopy([
  {
    file: 'libs/redis/src/request-rates.redis.js',
    search: 'COUNT_TIMEOUT_MS = 200',
    replace: 'COUNT_TIMEOUT_MS = 20_000',
  },
]);

let redis: FaultProxy;
let stack: Stack;
beforeAll(async () => {
  redis = await FaultProxy.to(process.env.REDIS_URL!);
  stack = await Stack.open({ tenants: { ana: ['bakery'], ben: ['bakery'], eva: ['bakery'] }, gateways: 0 });
  const limited = {
    REDIS_URL: redis.via(stack.environment.REDIS_URL!),
    TRUSTED_PROXIES: '1',
    REQUESTS_PER_USER: String(PER_USER),
    REQUESTS_PER_TOKEN: String(PER_TOKEN),
    REQUESTS_PER_ADDRESS: String(PER_ADDRESS),
  };
  const start = () => stack.startGateway(limited, patient.program('gateway'));
  await Promise.all([start(), start()]);
}, 60_000);
afterAll(async () => {
  await stack?.close();
  await redis?.close();
  patient.remove();
}, 60_000);

const from = (address: string, token?: string) => ({
  headers: { 'X-Forwarded-For': address, ...(token && { Authorization: `Bearer ${token}` }) },
});
const tenants = (gateway: AppProcess, token: string, address = '192.0.2.1') =>
  ask(gateway.url, '/api/v1/tenants', from(address, token));
const tokenOf = (user: string, jti: string) => tokenFor(user, { jti });

test('two gateways count a token and its user together, and say in each answer what is left', async () => {
  const answers = [];
  for (let n = 0; n < PER_TOKEN + 1; n += 1) answers.push(await tenants(stack.gateways[n % 2]!, tokenOf('ana', 'one')));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(answers[1]!.headers['ratelimit-policy']).toBe(
    `"address";q=${PER_ADDRESS};w=60, "user";q=${PER_USER};w=60, "token";q=${PER_TOKEN};w=60`,
  );
  expect(answers[1]!.headers['ratelimit']).toMatch(/^"address";r=38;t=\d+, "user";r=3;t=\d+, "token";r=1;t=\d+$/);
  const { headers, json } = answers[3]!;
  expect(json).toMatchObject({ code: 'rate_limited', status: 429 });
  const wait = Number(headers['retry-after']);
  expect([wait, json.detail]).toEqual([
    Number(/"token";r=0;t=(\d+)/.exec(String(headers['ratelimit']))![1]),
    `Too many requests were sent with this token. Come back in ${wait} s.`,
  ]);
  expect(wait).toBeGreaterThan(30);
});

test('another token of the same user has what the user has left; another user is not concerned', async () => {
  expect((await tenants(stack.gateways[0]!, tokenOf('ana', 'two'))).status).toBe(200);
  const refused = await tenants(stack.gateways[1]!, tokenOf('ana', 'three'));
  expect([refused.status, refused.json.detail]).toEqual([429, expect.stringContaining('This user')]);
  expect((await tenants(stack.gateways[1]!, tokenOf('ben', 'four'))).status).toBe(200);
});

test('an address is counted before its credential is looked at', async () => {
  const ask429 = await Promise.all(
    Array.from({ length: PER_ADDRESS + 5 }, (_, n) => tenants(stack.gateways[n % 2]!, `no-token-${n}`, '192.0.2.2')),
  );
  const statuses = ask429.map(({ status }) => status).sort();
  expect(statuses).toEqual([...Array<number>(PER_ADDRESS).fill(401), ...Array<number>(5).fill(429)]);
  expect(ask429.find(({ status }) => status === 429)!.json.detail).toContain('this address');
});

test('a stream, the page and the calls of providers are not counted, and a refused publisher has published nothing', async () => {
  const token = tokenOf('ana', 'five');
  const stream = await stack.watch('ana');
  expect((await ask(stack.gateways[0]!.url, '/', from('192.0.2.2'))).status).toBe(200);
  const called = await ask(stack.gateways[0]!.url, '/api/v1/providers/twilio/status', {
    method: 'POST',
    ...from('192.0.2.2'),
  });
  expect([called.status, called.headers['ratelimit']]).toEqual([404, undefined]);
  const topic = await ask(stack.gateways[0]!.url, '/api/v1/topics/bakery/events', from('192.0.2.2'));
  expect([topic.status, topic.headers['ratelimit']]).toEqual([401, undefined]);
  const publish = () =>
    ask(stack.gateways[0]!.url, '/api/v1/events', {
      method: 'POST',
      headers: {
        ...from('192.0.2.3').headers,
        Authorization: `Bearer ${publisherToken({ jti: 'six' })}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({ tenant_id: 'bakery', service: 'oven', severity: 'low', title: 'Cold' }),
    });
  const answers = [];
  for (let n = 0; n < PER_TOKEN + 2; n += 1) answers.push((await publish()).status);
  expect(answers).toEqual([202, 202, 202, 429, 429]);
  await stack.stored(PER_TOKEN);
  expect((await tenants(stack.gateways[0]!, token)).status).toBe(429);
  stream.close();
});

test('an event of PagerDuty, whose token is in its body, counts as what is published with that token', async () => {
  const page = () =>
    ask(stack.gateways[0]!.url, '/api/v1/pagerduty/bakery/oven/v2/enqueue', {
      method: 'POST',
      headers: { ...from('192.0.2.5').headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        routing_key: publisherToken({ sub: 'pager', jti: 'eight' }),
        event_action: 'trigger',
        payload: { summary: 'Cold', source: 'oven', severity: 'info' },
      }),
    });
  const answers = [];
  for (let n = 0; n < PER_TOKEN + 1; n += 1) answers.push(await page());
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 429]);
  expect(answers[3]!.json).toMatchObject({ status: 'throttle exceeded', code: 'rate_limited' });
});

test('while Redis is away each gateway counts for itself, and refuses nothing for the outage', async () => {
  redis.refuse();
  redis.cut();
  const statuses = [];
  for (const gateway of stack.gateways)
    for (let n = 0; n < PER_TOKEN + 1; n += 1)
      statuses.push((await tenants(gateway, tokenOf('eva', 'seven'), '192.0.2.4')).status);
  expect(statuses).toEqual([200, 200, 200, 429, 200, 200, 200, 429]);
  redis.refuse(false);
});

test('what was refused is counted by the limit that refused it', async () => {
  const sum = async (scope: string) => {
    const counts = await Promise.all(
      stack.gateways.map((one) => one.metric('tocsin_requests_limited_total', `scope="${scope}"`)),
    );
    return counts.reduce((total, count) => total + count, 0);
  };
  expect([await sum('token'), await sum('user'), await sum('address')]).toEqual([6, 2, 5]);
});
