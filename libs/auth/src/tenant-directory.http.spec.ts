import { Unavailable } from '@tocsin/contracts';
import type { User } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addressOf, HttpTenantDirectory } from './tenant-directory.http';

const ada: User = { user_id: 'ada/../x?', token: 'token-of-ada', claims: {} };
let service: Server;
let requests: IncomingMessage[];
let handle: (request: IncomingMessage, response: ServerResponse) => void;
let url: string;

beforeEach(async () => {
  requests = [];
  handle = (_, response) => response.end('[]');
  service = createServer((request, response) => {
    requests.push(request);
    handle(request, response);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
});
afterEach(async () => {
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
});
const answering = (status: number, body: unknown) => (_: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
const tenantsOf = (user = ada, options: { token?: string; timeoutMs?: number } = {}) =>
  new HttpTenantDirectory({ url, ...options }).tenantsOf(user);

const acme = { tenant_id: 'acme', name: 'Acme Ltd', role: 'owner' };

describe('the address', () => {
  test.each([
    ['http://t', 'http://t/api/v1/users/a%2Fb%3Fc/tenants'],
    ['http://t/base/', 'http://t/base/api/v1/users/a%2Fb%3Fc/tenants'],
    ['http://t/who/{user_id}', 'http://t/who/a%2Fb%3Fc'],
    ['http://t/who?user={user_id}&x={user_id}', 'http://t/who?user=a%2Fb%3Fc&x=a%2Fb%3Fc'],
  ])('of a user at %s is %s', (template, address) => {
    expect(addressOf(template, 'a/b?c')).toBe(address);
  });

  test.each(['.', '..'])('never leaves the path for a user called %s', async (user_id) => {
    expect(await tenantsOf({ ...ada, user_id })).toEqual([]);
    expect(requests).toHaveLength(0);
  });
});

describe('the tenant service', () => {
  test("is asked with its own token, and without one with the user's", async () => {
    await tenantsOf(ada, { token: 'service-token' });
    await tenantsOf();
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer service-token',
      'Bearer token-of-ada',
    ]);
    expect(requests[0]!.url).toBe('/api/v1/users/ada%2F..%2Fx%3F/tenants');
  });

  test.each([
    ['the object', { tenants: [{ id: 'acme', name: 'Acme Ltd', role: 'owner' }] }],
    ['the bare list', [{ id: 'acme', name: 'Acme Ltd', role: 'owner' }]],
  ])('may answer with %s', async (_, body) => {
    handle = answering(200, body);
    expect(await tenantsOf()).toEqual([acme]);
  });

  test('has its list put in order, completed, and what is no tenant id left out', async () => {
    handle = answering(200, [
      { id: 'zeta' },
      { id: 'acme', name: ' ', role: 7 },
      { id: 'a,b' },
      { id: '' },
      { id: 12 },
      {},
      null,
      { id: 'acme', name: 'second' },
      { id: 'x'.repeat(65) },
    ]);
    expect(await tenantsOf()).toEqual([
      { tenant_id: '12', name: '12', role: 'member' },
      { tenant_id: 'acme', name: 'acme', role: 'member' },
      { tenant_id: 'zeta', name: 'zeta', role: 'member' },
    ]);
  });

  test('that does not know the user names no tenant', async () => {
    handle = answering(404, { error: 'no such user' });
    expect(await tenantsOf()).toEqual([]);
  });

  test.each([401, 403])("that answers %i denies the user's own token, but only breaks with ours", async (status) => {
    handle = answering(status, {});
    expect(await tenantsOf()).toEqual([]);
    await expect(tenantsOf(ada, { token: 'ours' })).rejects.toBeInstanceOf(Unavailable);
  });

  test.each([
    ['500', answering(500, { tenants: [] })],
    ['429', answering(429, {})],
    ['204', answering(204, '')],
    [
      'a redirect',
      (_: IncomingMessage, response: ServerResponse) => void response.writeHead(302, { Location: '/elsewhere' }).end(),
    ],
    ['no JSON', answering(200, '<html>')],
    ['null', answering(200, 'null')],
    ['something else', answering(200, { users: [] })],
    ['a list that is none', answering(200, { tenants: 'acme' })],
    ['too much', answering(200, JSON.stringify([{ id: 'acme', padding: 'x'.repeat(300 * 1024) }]))],
  ])('that answers with %s is unavailable, and is asked once', async (_, answer) => {
    handle = answer;
    await expect(tenantsOf()).rejects.toMatchObject({ name: 'Unavailable', role: 'directory' });
    expect(requests).toHaveLength(1);
  });

  test('that is slow is given up after its time and not asked again', async () => {
    handle = () => {};
    const before = performance.now();
    await expect(tenantsOf()).rejects.toThrow('did not answer within 600 ms');
    expect(performance.now() - before).toBeGreaterThan(500);
    expect(performance.now() - before).toBeLessThan(1_500);
    expect(requests).toHaveLength(1);
  });

  test('that answers others is not away: a question waits longer when many ask at once', async () => {
    // one question at a time, 60 ms each: the last has to wait for three times as long as one may
    let queue = Promise.resolve();
    handle = (request, response) =>
      void (queue = queue.then(
        () =>
          new Promise((done) =>
            setTimeout(
              () => (answering(200, [{ id: 'acme', name: 'Acme Ltd', role: 'owner' }])(request, response), done()),
              60,
            ),
          ),
      ));
    const directory = new HttpTenantDirectory({ url, timeoutMs: 400 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => directory.tenantsOf({ ...ada, user_id: `user-${i}` })),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, () => [acme]));
  });

  test('that is frozen is given up in time by whoever asks, also by those who wait for a connection', async () => {
    handle = () => {};
    const directory = new HttpTenantDirectory({ url, timeoutMs: 300 });
    const before = performance.now();
    const asked = Array.from({ length: 600 }, (_, i) =>
      directory.tenantsOf({ ...ada, user_id: `user-${i}` }).catch((error: Error) => error.message),
    );
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['The tenant service did not answer within 300 ms.']));
    expect(performance.now() - before).toBeLessThan(5_000);

    handle = answering(200, [{ id: 'acme', name: 'Acme Ltd', role: 'owner' }]);
    await eventually(async () => expect(await directory.tenantsOf(ada)).toEqual([acme]));
  });

  test('that sends its answer drop by drop is given up as well', async () => {
    handle = (_, response) => void response.writeHead(200).write('[');
    await expect(tenantsOf(ada, { timeoutMs: 100 })).rejects.toThrow('did not answer within 100 ms');
  });

  test('that breaks the connection is asked a second time, and not a third', async () => {
    handle = (request, response) =>
      requests.length === 1
        ? request.socket.resetAndDestroy()
        : answering(200, [{ id: 'acme', name: 'Acme Ltd', role: 'owner' }])(request, response);
    expect(await tenantsOf()).toEqual([acme]);
    expect(requests).toHaveLength(2);

    requests.length = 0;
    handle = (request) => request.socket.resetAndDestroy();
    await expect(tenantsOf()).rejects.toThrow('cannot be reached');
    expect(requests).toHaveLength(2);
  });

  test('that is not there is unavailable at once', async () => {
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
    const before = performance.now();
    await expect(tenantsOf()).rejects.toBeInstanceOf(Unavailable);
    expect(performance.now() - before).toBeLessThan(500);
  });
});
