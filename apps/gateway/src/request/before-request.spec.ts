import { inspect } from 'node:util';
import { Refused } from '@tocsin/contracts';
import { RequestCheck, type BeforeRequest } from './before-request';

const REQUEST = {
  method: 'GET',
  url: '/api/events?token=canary-1',
  headers: { authorization: 'Bearer canary-2', 'x-forwarded-for': '203.0.113.9' },
  socket: { remoteAddress: '::ffff:192.0.2.1' },
};
const check = (see: BeforeRequest, trustedProxies = 0) => new RequestCheck(see, trustedProxies, 30).of(REQUEST);

it.each([
  [0, '192.0.2.1'],
  [1, '203.0.113.9'],
])('shows the whole request, with the address behind %i proxies', async (proxies, remoteAddress) => {
  const seen = jest.fn(() => undefined);
  await check(seen, proxies);
  const { method, url, headers } = REQUEST;
  expect(seen.mock.calls).toEqual([[expect.objectContaining({ method, url, headers, remoteAddress })]]);
});

it('shows no credential of a request that is written to a log', async () => {
  const texts: string[] = [];
  await check(
    (request) => void texts.push(inspect(request), JSON.stringify({ request }), inspect({ in: { request } })),
  );
  expect(texts).toHaveLength(3);
  for (const text of texts) {
    expect(text).toContain('/api/events');
    expect(text).not.toContain('canary');
  }
});

it.each<[string, BeforeRequest]>([
  ['nothing', () => undefined],
  ['nothing, later', () => Promise.resolve()],
])('lets a request through when the function returns %s', async (_, see) => expect(await check(see)).toEqual([]));

it('adds headers', async () => {
  const headers = { 'Served-By': 'a', 'X-B': '' };
  const fields = [
    ['Served-By', 'a'],
    ['X-B', ''],
  ];
  expect(await check(() => ({ headers }))).toEqual(fields);
  expect(await check(() => Promise.resolve({ headers }))).toEqual(fields);
});

it.each<[string, BeforeRequest]>([
  ['returned', () => new Refused('tenant_forbidden', 'Not here.')],
  ['returned later', () => Promise.resolve(new Refused('tenant_forbidden', 'Not here.'))],
  [
    'thrown',
    () => {
      throw new Refused('tenant_forbidden', 'Not here.');
    },
  ],
])('refuses as the function says: %s', async (_, see) =>
  expect(check(see)).rejects.toMatchObject({ code: 'tenant_forbidden', message: 'Not here.' }),
);

it.each<[string, BeforeRequest]>([
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
  ['does not end', () => new Promise(() => {})],
  ['adds a header that ends the line', () => ({ headers: { a: 'b\r\nSet-Cookie: c' } })],
  ['adds a header with another in its name', () => ({ headers: { 'a: b\r\nc': 'd' } })],
  ['adds a header that the gateway writes', () => ({ headers: { 'content-length': '0' } })],
  ['adds a header of CORS', () => ({ headers: { 'Access-Control-Allow-Origin': '*' } })],
])('lets nothing through when the function %s', async (_, see) =>
  expect(check(see)).rejects.toMatchObject({ code: 'operator_check_unavailable' }),
);
