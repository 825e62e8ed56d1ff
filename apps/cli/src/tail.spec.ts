import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@tocsin/contracts/testing';
import type { ConnectionFrame, TenantVerdict } from '@tocsin/contracts/wire';
import { runCli } from './run-cli';
import { PlayedTerminal } from './testing/played-terminal';
import { SECRET } from './testing/scripted-gateway';

const frame = (event: string, data: object, id?: string) =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const entry = (seq: number, more: object = {}) =>
  frame(
    'inventory_alert',
    {
      tenant_id: 'bakery',
      service: 'oven',
      severity: 'urgent',
      status: 'firing',
      title: `number ${seq}\u001b[31m`,
      received_at: '2026-01-02T03:04:05.678Z',
      actor: null,
      ...more,
    },
    `c${seq}`,
  );

/** The first frame of a stream; `more` is said of its tenant. */
const connection = (id: string, more: Partial<TenantVerdict> = {}) => {
  const tenant: TenantVerdict = {
    tenant_id: 'bakery',
    name: 'Bakery',
    verdict: 'resumed',
    missed: 0,
    reason: null,
    behind: 0,
    searched: null,
    ...more,
  };
  const { verdict } = tenant;
  const said: ConnectionFrame = {
    verdict,
    tenants: [tenant],
    heartbeat_ms: 15_000,
    server_time: '2026-01-02T03:04:05Z',
  };
  return frame('connection', said, id);
};

let server: Server;
let asked: { url: string; cursor: string | undefined; token: string }[];
let answers: ((response: ServerResponse, request: IncomingMessage) => void)[];
beforeEach(async () => {
  asked = [];
  answers = [];
  server = createServer((request, response) => {
    const cursor = request.headers['last-event-id'] as string | undefined;
    asked.push({ url: request.url!, cursor, token: request.headers.authorization!.slice(7) });
    // a stream that no test has written down is refused for good, so that a command always ends
    (answers.shift() ?? ((unasked) => unasked.writeHead(403).end()))(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function start(args: string[], environment: Record<string, string> = {}) {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
  const terminal = new PlayedTerminal({ JWT_SECRET: SECRET, TOCSIN_URL: url, ...environment });
  return { terminal, ended: runCli(['tail', ...args], terminal) };
}
const stream =
  (...frames: string[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const one of frames) response.write(one);
  };
const close = (reason: string, action: string) => frame('close', { reason, action, retry_ms: 1 });

test('a line an entry, and nothing in it a command for the terminal; the filters are in the address', async () => {
  answers.push(
    stream(connection('c0', { verdict: 'fresh' }), entry(1), entry(2, { status: 'acknowledged', actor: 'ana' })),
  );
  const { terminal, ended } = start([
    '--tenant',
    'bakery',
    '--severity',
    'urgent,high',
    '--since',
    '0',
    '--count',
    '2',
  ]);
  expect(await ended).toBe(0);
  expect(terminal.stdout).toEqual([
    '2026-01-02T03:04:05.678Z  urgent        bakery  oven  number 1 [31m',
    '2026-01-02T03:04:05.678Z  acknowledged  bakery  oven  number 2 [31m  (ana)',
  ]);
  expect(asked[0]!.url).toBe('/base/api/events?tenant=bakery&severity=urgent%2Chigh&since=0');
});

test('--json prints each entry as it came', async () => {
  answers.push(stream(entry(1)));
  const { terminal, ended } = start(['--json', '--count', '1']);
  await ended;
  expect(JSON.parse(terminal.stdout[0]!)).toMatchObject({ title: 'number 1\u001b[31m' });
});

test('goes on at the last position after an orderly end and after a broken connection, and tells of a gap', async () => {
  answers.push((response) => {
    stream(entry(1), frame('heartbeat', {}, 'c1b'), close('draining', 'reconnect'))(response);
    response.end();
  });
  answers.push((response) => {
    stream(frame('reset', { reason: 'retention' }, 'c5'), entry(6))(response);
    setImmediate(() => response.destroy());
  });
  answers.push(stream(entry(7)));
  jest.spyOn(Math, 'random').mockReturnValue(-0.66); // the wait for another gateway is a blink here
  const { terminal, ended } = start(['--count', '3']);
  expect(await ended).toBe(0);
  jest.restoreAllMocks();
  expect(asked.map(({ cursor }) => cursor)).toEqual([undefined, 'c1b', 'c6']);
  expect(terminal.stdout.map((line) => /number \d/.exec(line)![0])).toEqual(['number 1', 'number 6', 'number 7']);
  expect(terminal.stderr).toEqual(['Entries were missed that the gateway no longer sends: {"reason":"retention"}']);
});

test('tells of the entries that the gateway does not send again where a stream could not go on at its place', async () => {
  answers.push((response) => {
    stream(connection('c0', { verdict: 'fresh' }), entry(1), close('draining', 'reconnect'))(response);
    response.end();
  });
  answers.push((response) => {
    const gap = { verdict: 'gap', missed: 7_000, reason: 'window_exceeded' } as const;
    stream(connection('c7001', gap), entry(7_002), close('draining', 'reconnect'))(response);
    response.end();
  });
  answers.push(stream(connection('c9', { verdict: 'gap', missed: null, reason: 'history_replaced' }), entry(10)));
  const { terminal, ended } = start(['--count', '3']);
  expect(await ended).toBe(0);
  expect(asked.map(({ cursor }) => cursor)).toEqual([undefined, 'c1', 'c7002']);
  expect(terminal.stderr).toEqual([
    'Entries of bakery were missed that the gateway does not send again: 7000 (window_exceeded).',
    'Entries of bakery may have been missed, and it cannot be known how many (history_replaced).',
  ]);
});

test('a token that is refused is signed anew once; refused again, it ends the command', async () => {
  const refuse = (response: ServerResponse) => response.writeHead(401).end();
  const opens = (seq: number) => (response: ServerResponse) => {
    stream(entry(seq), close('draining', 'reconnect'))(response);
    response.end();
  };
  answers.push(opens(1), refuse, opens(2), refuse, refuse);
  const { terminal, ended } = start([]);
  expect(await ended).toBe(1);
  expect(terminal.stdout).toHaveLength(2);
  expect(terminal.stderr).toHaveLength(1);
  expect(terminal.stderr[0]).toContain('The gateway refuses the stream (401). The token was signed with JWT_SECRET');
  expect(asked).toHaveLength(5);
});

test('tries again while the gateway refuses for now, and ends where it refuses for good', async () => {
  answers.push((response) => response.writeHead(503, { 'retry-after': '0' }).end());
  answers.push((response) => response.writeHead(403).end());
  jest.spyOn(Math, 'random').mockReturnValue(-0.66);
  const { terminal, ended } = start([]);
  expect(await ended).toBe(1);
  jest.restoreAllMocks();
  expect(terminal.stderr[0]).toBe('Trying again: the gateway refuses for now (503).');
  expect(terminal.stderr[1]).toContain('The gateway refuses the stream (403).');
});

test('tells that it tries again where a stream is refused for now, and where it ends at once', async () => {
  answers.push((response) => {
    stream(close('too_many_streams', 'reconnect'))(response);
    response.end();
  });
  answers.push((response) => {
    stream()(response);
    response.end();
  });
  jest.spyOn(Math, 'random').mockReturnValue(-0.66);
  const { terminal, ended } = start([]);
  expect(await ended).toBe(1);
  jest.restoreAllMocks();
  const { port } = server.address() as AddressInfo;
  expect(terminal.stderr).toEqual([
    'Trying again: the gateway refuses for now (too_many_streams).',
    `Trying again: http://127.0.0.1:${port} ended the stream before its first frame.`,
    expect.stringContaining('The gateway refuses the stream (403).'),
  ]);
});

test('a token that ended is signed anew, but one in TOCSIN_TOKEN cannot be; a revoked right ends the command', async () => {
  const expired = (response: ServerResponse) => {
    stream(entry(1), close('token_expired', 'reauthenticate'))(response);
    response.end();
  };
  answers.push(expired, stream(entry(2)));
  expect(await start(['--count', '2']).ended).toBe(0);
  answers.push(expired);
  const given = start(['--count', '2'], { TOCSIN_TOKEN: 'given' });
  expect(await given.ended).toBe(1);
  expect(asked.at(-1)!.token).toBe('given');
  expect(given.terminal.stderr).toEqual(['The gateway ended the stream (token_expired).']);
  answers.push((response) => {
    stream(close('revoked', 'stop'))(response);
    response.end();
  });
  expect(await start([]).ended).toBe(1);
});

test('Ctrl+C ends it', async () => {
  answers.push(stream(entry(1)));
  const { terminal, ended } = start([]);
  await eventually(() => expect(terminal.stdout).toHaveLength(1));
  terminal.pressCtrlC();
  expect(await ended).toBe(0);
});
