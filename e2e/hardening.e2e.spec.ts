import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { JwksServer } from './kit/jwks-server';
import type { AppProcess } from './kit/processes';
import { Stack } from './kit/stack';
import { makeToken, nowSeconds, publisherToken, tokenFor } from './kit/tokens';

const CLAIM = { TENANT_SERVICE_URL: '', TENANT_SERVICE_TOKEN: '', JWT_TENANTS_CLAIM: 'tenants' };
const CLOCK = join(__dirname, 'faults', 'entries', 'settable-clock.cjs');

let stack: Stack;
let jwks: JwksServer;
let byClaim: AppProcess;
beforeAll(async () => {
  jwks = await JwksServer.start();
  stack = await Stack.open({ tenants: { ana: ['bakery'] } });
  byClaim = await stack.startGateway(CLAIM);
}, 90_000);
afterAll(async () => {
  await stack?.close();
  await jwks?.close();
});

describe('a publisher whose token names its tenants', () => {
  const publish = (claims: Record<string, unknown>, tenant_id = 'tenant-a') =>
    ask(byClaim.url, '/api/v1/events', {
      method: 'POST',
      headers: { Authorization: `Bearer ${publisherToken(claims)}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ tenant_id, service: 'inventory', severity: 'low', name: 'low_stock' }),
    });

  it.each([
    ['by a list', { tenants: ['tenant-a'] }, 202],
    ['by a list of objects', { tenants: [{ id: 'tenant-a' }] }, 202],
    ['not at all', {}, 202],
    ['by another', { tenants: ['tenant-b'] }, 403],
    ['by an empty list', { tenants: [] }, 403],
    ['by a string', { tenants: 'tenant-a' }, 403],
    ['by an object', { tenants: { id: 'tenant-a' } }, 403],
    ['by null', { tenants: null }, 403],
    ['by a number', { tenants: 1 }, 403],
  ])('%s', async (_, claims, status) => {
    const answer = await publish(claims);
    expect([answer.status, answer.json.code]).toEqual([status, status === 403 ? 'tenant_forbidden' : undefined]);
  });
});

describe("an issuer's keys", () => {
  const token = (kid: string) =>
    makeToken({
      header: { alg: 'RS256', typ: 'JWT', kid },
      claims: { sub: 'ana', exp: nowSeconds() + 600 },
      key: jwks.privateKey,
    });
  let gateway: AppProcess;
  const ask_ = async (kid: string) => {
    const { status, json, headers } = await ask(gateway.url, '/api/v1/tenants', {
      headers: { Authorization: `Bearer ${token(kid)}` },
    });
    return { status, code: json.code, retry: headers['retry-after'] !== undefined };
  };
  const good = { status: 200, code: undefined, retry: false };
  const away = { status: 503, code: 'store_unavailable', retry: true };
  const wrong = { status: 401, code: 'invalid_token', retry: false };

  beforeAll(async () => {
    const environment = {
      ...stack.gatewayEnvironment,
      JWT_SECRET: '',
      JWT_JWKS_URL: jwks.url,
      TICKET_SECRET: 'a-ticket-secret-of-these-tests-0123456',
    };
    gateway = await stack.processes.start('gateway', environment);
  });

  it('are asked for an unknown kid; while the issuer is away that is 503, and known keys go on', async () => {
    expect([await ask_('current'), await ask_('never')]).toEqual([good, wrong]);
    jwks.status = 500;
    expect([await ask_('rotated'), await ask_('current')]).toEqual([away, good]);
    jwks.status = 200;
  });

  it.each([
    ['nothing', {}],
    ['a broken key of the same name', { kty: 'RSA', kid: 'current', alg: 'RS256', n: 'x', e: '' }],
    ['an unknown kind', { kty: 'XYZ', kid: 'current' }],
  ])('are not replaced by a set of one unusable key: %s', async (_, key) => {
    jwks.keysOf = () => [key];
    const before = jwks.requests;
    // a failure is cached for 5 s: until then the service is not asked, and nothing is decided
    await eventually(async () => {
      expect(await ask_('another')).toEqual(away);
      expect(jwks.requests).toBeGreaterThan(before);
    }, 10_000);
    expect(await ask_('current')).toEqual(good);
  });
});

describe('two Host fields', () => {
  const answerTo = async (lines: string[]): Promise<string> => {
    const socket = connect(stack.gateway.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    await once(socket, 'close');
    return text;
  };
  const authorization = () => `Authorization: Bearer ${tokenFor('ana')}`;

  it.each(['/api/events', '/api/v1/alerts', '/docs', '/'])(
    'are refused at %s, and the connection ends',
    async (path) => {
      const text = await answerTo([`GET ${path} HTTP/1.1`, 'Host: a.example', authorization(), 'Host: b.example']);
      expect(text).toMatch(/^HTTP\/1\.1 400 /);
      expect(text).toContain('"code":"invalid_request"');
    },
  );

  it('one is enough', async () => {
    expect(
      await answerTo(['GET /api/v1/alerts HTTP/1.1', 'Host: a.example', authorization(), 'Connection: close']),
    ).toMatch(/^HTTP\/1\.1 200 /);
  });
});

it('a clock that is set ahead by an hour ends within 1 s the streams that have expired by it, and no other', async () => {
  // heartbeats are far apart, so none of them ends the stream
  const gateway = await stack.startGateway({ HEARTBEAT_MS: '50000', NODE_OPTIONS: `--require ${CLOCK}` });
  const watch = (seconds: number) =>
    stack.watch('ana', {
      gateway,
      headers: { Authorization: `Bearer ${tokenFor('ana', { exp: nowSeconds() + seconds })}` },
    });
  const [expired, alive] = [await watch(1_800), await watch(3 * 3_600)];
  const setAt = performance.now();
  process.kill(gateway.pid, 'SIGUSR2');
  const close = await expired.frame('close', 5_000);
  expect(JSON.parse(close.data)).toMatchObject({ reason: 'token_expired' });
  expect(close.receivedAt - setAt).toBeLessThan(1_000);
  expect(alive.open).toBe(true);
  alive.close();
});
