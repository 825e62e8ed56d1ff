import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MeasuredStream } from './measuring/measured-stream';
import { runCli } from './run-cli';
import { PlayedTerminal } from './testing/played-terminal';
import { SECRET } from './testing/scripted-gateway';

const frame = (event: string, data: object) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const entry = (event_id: string) => frame('inventory_alert', { event_id });

let server: Server;
/** The one stream, and the token with which it was asked for. */
let stream: ServerResponse;
let token: string;
/** What becomes of each alert that is published. It is accepted in any case. */
let published: (id: string) => void;
/** What happens before the alerts are accepted that resolve the others. */
let resolving: () => Promise<void>;
beforeEach(async () => {
  published = (id) => stream.write(entry(id));
  resolving = () => Promise.resolve();
  server = createServer((request, response) => {
    if (request.method === 'GET') {
      token = request.headers.authorization!.slice(7);
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream.write(frame('connection', {}));
      return;
    }
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as { id: string } | { id: string }[];
      const ids = [body].flat().map(({ id }) => id);
      const accept = () => response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ ids }));
      // the alerts that resolve the others at the end are no measurement
      if (ids.every((id) => id.endsWith('-end'))) return void resolving().then(accept);
      accept();
      ids.forEach(published);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function start(...args: string[]) {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const terminal = new PlayedTerminal({ JWT_SECRET: SECRET, TOCSIN_URL: url });
  return { terminal, ended: runCli(['bench', '--json', ...args], terminal) };
}
const counts = ({ stdout }: PlayedTerminal) => {
  const { published, arrived, missing } = JSON.parse(stdout[0]!) as Record<string, number>;
  return { published, arrived, missing };
};

test('every alert that arrives is counted', async () => {
  const { terminal, ended } = start('--count', '3', '--rate', '200');
  expect(await ended).toBe(0);
  expect(counts(terminal)).toEqual({ published: 3, arrived: 3, missing: 0 });
  expect(terminal.stderr).toEqual([]);
});

test('a stream that the gateway closes ends the measurement, which says so and calls no alert missing', async () => {
  published = (id) => {
    if (id.endsWith('-0')) stream.write(entry(id));
    else if (!stream.writableEnded)
      stream.end(frame('close', { reason: 'token_expired', action: 'reauthenticate', retry_ms: 1 }));
  };
  const { terminal, ended } = start('--count', '10000', '--rate', '10');
  expect(await ended).toBe(1);
  expect(counts(terminal)).toMatchObject({ arrived: 1, missing: 0 });
  expect(terminal.stderr).toEqual(['The gateway closed the stream (token_expired). The measurement ends there.']);
});

test('an alert that did not arrive in time is missing, though the stream ends while the alerts are resolved', async () => {
  published = () => undefined;
  resolving = async () => {
    const ended = once(stream, 'close');
    stream.end();
    await ended;
  };
  // the patience with the last alerts is over at once
  jest.spyOn(MeasuredStream.prototype, 'haveArrived').mockResolvedValue();
  const { terminal, ended } = start('--count', '1');
  expect(await ended).toBe(1);
  jest.restoreAllMocks();
  expect(counts(terminal)).toEqual({ published: 1, arrived: 0, missing: 1 });
  expect(terminal.stderr).toEqual([]);
});

test('its token lasts as long as the measurement', async () => {
  published = () => stream.end();
  await start('--count', '10000', '--rate', '20').ended;
  const { iat, exp } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, number>;
  expect(exp! - iat!).toBeGreaterThanOrEqual(10_000 / 20 + 60);
});

test('Ctrl+C ends it at once, and an alert that is on its way then is not missing', async () => {
  const { terminal, ended } = start('--count', '10000', '--rate', '0.1');
  published = () => terminal.pressCtrlC();
  expect(await ended).toBe(1);
  expect(counts(terminal)).toEqual({ published: 1, arrived: 0, missing: 0 });
  expect(terminal.stderr).toEqual([]);
});
