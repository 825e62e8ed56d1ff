import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MeasuredStream } from './measured-stream';

let server: Server;
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** A gateway that answers a request for a stream with its head, and then as the test says. */
async function playing(goOn: (response: ServerResponse) => void): Promise<URL> {
  server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    goOn(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/events`);
}
const CONNECTION = 'event: connection\ndata: {}\n\n';
/** Longer than a test may take: a test that waits for it fails. */
const FOREVER_MS = 600_000;

test('a stream whose first frame is held back is not open in time', async () => {
  const target = await playing(() => undefined);
  const stream = new MeasuredStream(target, 'token', new AbortController().signal);
  await expect(stream.open(200)).rejects.toThrow(
    `${target.origin} sent no frame within 0.2 s. npm run doctor says more.`,
  );
  stream.close();
});

test.each([
  [
    'event: close\ndata: {"reason":"too_many_streams","action":"reconnect"}\n\n',
    'refuses the stream (too_many_streams)',
  ],
  ['', 'ended the stream before its first frame'],
])('a stream that does not begin with its connection is not open: %j', async (said, why) => {
  const target = await playing((response) => response.end(said));
  const stream = new MeasuredStream(target, 'token', new AbortController().signal);
  await expect(stream.open()).rejects.toThrow(`${target.origin} ${why}. npm run doctor says more.`);
  stream.close();
});

test.each([
  ['event: close\ndata: {"reason":"token_expired"}\n\n', 'The gateway closed the stream (token_expired).'],
  ['', 'The stream was cut.'],
])('a stream that ends is waited for no longer, and says why: %j', async (last, why) => {
  const target = await playing((response) => {
    response.write(CONNECTION);
    response.end(last);
  });
  const stream = new MeasuredStream(target, 'token', new AbortController().signal);
  await stream.open();
  stream.sends('never arrives');
  await stream.haveArrived(new Set(['never arrives']), FOREVER_MS);
  expect(stream.ended.aborted).toBe(true);
  expect(stream.endedBecause).toBe(why);
});

test('after Ctrl+C nothing is waited for', async () => {
  const target = await playing((response) => response.write(CONNECTION));
  const pressed = new AbortController();
  const stream = new MeasuredStream(target, 'token', pressed.signal);
  await stream.open();
  pressed.abort();
  await stream.haveArrived(new Set(['never arrives']), FOREVER_MS);
  expect(stream.endedBecause).toBeUndefined();
});
