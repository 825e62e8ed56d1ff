import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClaimedDelivery } from '@tocsin/contracts';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import { WebhookChannel, type WebhookOptions } from '../webhook.channel';
import { resolveByDns } from './resolve';
import { NameServer } from './testing/name-server';
import { OneEndpoint } from './testing/one-endpoint';

// A canary server listens on a private address, on a port that webhooks may use. Every address of these tests leads to
// it or to another private address.

const PORT = 8_443;
let connections = 0;
let canary: Server;
let names: NameServer;

beforeAll(async () => {
  canary = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined).destroy();
  });
  // another run of this test on the machine has the port for some seconds
  for (let listening = false; !listening;) {
    canary.listen({ port: PORT, host: '::' });
    listening = await once(canary, 'listening').then(
      () => true,
      () => sleep(200).then(() => false),
    );
  }
  names = await NameServer.open((name, family, nth) => {
    if (name === 'rebinding.example') return family === 6 ? (nth === 0 ? ['2000::1'] : ['::1']) : [];
    const address = ADDRESS_OF.get(name) ?? [];
    return address.filter((one) => one.includes(':') === (family === 6));
  });
});
afterAll(() => {
  names?.close();
  canary?.close();
});
beforeEach(() => void (connections = 0));

const aDelivery = (recipient: string): ClaimedDelivery => ({
  tenant_id: aTenant('bakery'),
  delivery_id: 'd-1',
  channel: 'webhook',
  recipient,
  attempt: 1,
  created_at: '2026-01-02T03:04:06.000Z',
  first_due_at: '2026-01-02T03:04:06.000Z',
  entry: anEntry(),
  notification: null,
});
const times = { connectMs: 1_000, headMs: 1_000, bodyMs: 500, totalMs: 2_000 };
const sendTo = (recipient: string, options: WebhookOptions = {}) =>
  new WebhookChannel(new OneEndpoint(), {
    times,
    resolve: resolveByDns([names.address]),
    ...options,
  }).send(aDelivery(recipient), new AbortController().signal);

/** Hosts as `URL` reads them. */
const WRITTEN = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.0.1.',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '0',
    '0.0.0.0',
  ],
  ...[
    '127.127.127.127',
    '１２７.０.０.１',
    '127。0。0。1',
    '%31%32%37.0.0.1',
    '⑫7.0.0.1',
    '169.254.169.254',
    '10.0.0.1',
  ],
  ...['93.184.216.34', '[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]'],
  ...[
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[fec0::1]',
    '[fd00::1]',
    '[2606:4700::1111]',
  ],
  ...['ana@127.0.0.1', 'hooks.example.com@127.0.0.1', '127.0.0.1#@hooks.example.com', '127.0.0.1\\@hooks.example.com'],
];
/** The addresses that a name may lead to. */
const NAMED: readonly string[][] = [
  ...['127.0.0.1', '127.0.0.53', '0.0.0.0', '10.0.0.1', '100.64.0.1', '169.254.169.254', '172.16.0.1'].map((one) => [
    one,
  ]),
  ...['192.0.0.1', '192.168.0.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'].map((one) => [one]),
  ...['::1', '::', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2002:7f00:1::'].map(
    (one) => [one],
  ),
  ...['fe80::1', 'fec0::1', 'fc00::1', '2001::1', '2001:db8::1', 'ff02::1', '100::1'].map((one) => [one]),
  // one address of several is enough
  ['93.184.216.34', '127.0.0.1'],
  ['93.184.216.34', '::1'],
  ['2606:4700::1111', '127.0.0.1'],
];
const ADDRESS_OF = new Map([
  ...NAMED.map((addresses, at): [string, string[]] => [`name-${at}.example`, addresses]),
  ['localhost', ['127.0.0.1', '::1']],
]);

test.each(WRITTEN)('https://%s is refused before anything is connected', async (host) => {
  expect(await sendTo(`https://${host}:${PORT}/`)).toMatchObject({
    outcome: 'failed',
    reason: expect.stringMatching(/^(blocked_address|invalid_recipient)$/) as string,
  });
  expect(connections).toBe(0);
});

test.each(NAMED.map((addresses, at) => [addresses.join(' and '), `name-${at}.example`]))(
  'a name that leads to %s is refused when it is connected to',
  async (_addresses, name) => {
    expect(await sendTo(`https://${name}:${PORT}/`)).toMatchObject({ outcome: 'failed', reason: 'blocked_address' });
    expect(connections).toBe(0);
  },
);

test('localhost, with or without a dot, is inside', async () => {
  for (const host of ['localhost', 'localhost.', 'LOCALHOST'])
    expect(await sendTo(`https://${host}:${PORT}/`)).toMatchObject({ outcome: 'failed', reason: 'blocked_address' });
  expect(connections).toBe(0);
});

test('each attempt resolves a name once, so its second, private answer is never used', async () => {
  const send = () => sendTo(`https://rebinding.example:${PORT}/`, { times: { ...times, connectMs: 200 } });
  expect(await send()).toMatchObject({ outcome: 'retry' });
  expect(names.asked.filter((one) => one.startsWith('rebinding'))).toEqual([
    'rebinding.example 4',
    'rebinding.example 6',
  ]);
  expect(await send()).toMatchObject({ outcome: 'failed', reason: 'blocked_address' });
  expect(connections).toBe(0);
});

test('a post reaches the canary where private addresses are allowed: these tests can fail', async () => {
  await sendTo(`https://name-0.example:${PORT}/`, { allowPrivate: true });
  await sendTo(`https://[::ffff:127.0.0.1]:${PORT}/`, { allowPrivate: true });
  expect(connections).toBe(2);
});

test('a proxy of the environment is not used', async () => {
  const before = { ...process.env };
  Object.assign(process.env, {
    HTTPS_PROXY: `http://127.0.0.1:${PORT}`,
    HTTP_PROXY: `http://127.0.0.1:${PORT}`,
    NODE_USE_ENV_PROXY: '1',
  });
  try {
    expect(await sendTo(`https://name-0.example:${PORT}/`)).toMatchObject({ reason: 'blocked_address' });
    expect(await sendTo('http://127.0.0.1:1/', { allowPrivate: true })).toMatchObject({ reason: 'connection_failed' });
  } finally {
    process.env = before;
  }
  expect(connections).toBe(0);
});

test.each([301, 302, 303, 307, 308])(
  'a redirect (%d) to the inside is not followed, and is the answer',
  async (status) => {
    const server = createHttpServer((_request, response) =>
      response.writeHead(status, { location: `http://127.0.0.1:${PORT}/` }).end(),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      expect(await sendTo(address, { allowPrivate: true })).toMatchObject({ outcome: 'failed', reason: 'redirected' });
      expect(connections).toBe(0);
    } finally {
      server.close();
    }
  },
);
