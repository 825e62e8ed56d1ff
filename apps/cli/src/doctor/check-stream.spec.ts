import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkStream } from './check-stream';

const frame = (event: string, data: object) => `id: c0\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
/** Longer than a test may take: a test that waits for it fails. */
const FOREVER_MS = 600_000;

let server: Server;
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Checks a gateway that answers the first request for a stream and the resumed one as the test says. */
async function check(first: Answer, second: Answer, watchMs = FOREVER_MS, interrupted = new AbortController().signal) {
  const answers = [first, second];
  server = createServer((request, response) => answers.shift()!(response, request)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/events`);
  return checkStream({ target, token: 'token', watchMs, interrupted });
}

function opened(response: ServerResponse, verdict = 'resumed'): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const connection = { verdict, heartbeat_ms: 1, server_time: new Date().toISOString() };
  // in one write: the heartbeat is there when the connection is
  response.write(frame('connection', connection) + frame('heartbeat', {}));
}
/** A stream that the gateway closes after one heartbeat. */
const closed: Answer = (response) => {
  opened(response, 'fresh');
  response.end(frame('close', { reason: 'token_expired', action: 'reauthenticate', retry_ms: 1 }));
};
const resumes: Answer = (response, request) => {
  expect(request.headers['last-event-id']).toBe('c0');
  opened(response);
};

test('says for how long the stream lived, and that the gateway closed it', async () => {
  expect(await check(closed, resumes)).toEqual({
    check: 'stream',
    seen: expect.stringMatching(
      /, 1 heartbeats in \d s, until the gateway closed the stream \(token_expired\)$/,
    ) as string,
    findings: [],
  });
});

test('a stream that stays open is watched to the end of its time', async () => {
  const { seen, findings } = await check((response) => opened(response, 'fresh'), resumes, 5);
  expect(findings).toEqual([]);
  expect(seen).toMatch(/, 1 heartbeats in \d s$/);
});

test('finds that the stream is refused when it is resumed', async () => {
  const { findings } = await check(closed, (response) => {
    response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"code":"token_expired"}');
  });
  expect(findings).toEqual([
    { finding: 'stream_refused', detail: 'The resumed stream was refused: 401 token_expired.' },
  ]);
});

/** What the gateway answers to this Accept where it refuses a stream for now. */
const refusesForNow: Answer = (response) => {
  const said = frame('close', { reason: 'too_many_streams', action: 'reconnect', retry_ms: 1 });
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end(said);
};
/** Only a stream that was open is resumed. */
const unasked: Answer = () => undefined;

test.each([
  ['stream', refusesForNow, unasked],
  ['resumed stream', closed, refusesForNow],
] as const)(
  'finds that the %s is refused for now, which the gateway says in a stream',
  async (which, first, second) => {
    const { findings } = await check(first, second);
    expect(findings).toEqual([{ finding: 'stream_refused', detail: `The ${which} was refused: too_many_streams.` }]);
  },
);

test('finds a stream that has lost its content type, and does not wait for its end', async () => {
  const { findings } = await check((response) => void response.writeHead(200).write(frame('connection', {})), unasked);
  expect(findings).toEqual([
    { finding: 'not_a_stream', detail: 'The request for a stream was answered 200, no content type.' },
  ]);
});

test('finds that a resumed stream ends before its first frame', async () => {
  const { findings } = await check(closed, (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
  });
  expect(findings).toEqual([{ finding: 'stream_cut', detail: 'The resumed stream ended before its first frame.' }]);
});

test('finds both that the stream was cut and that it could not be resumed', async () => {
  const { findings } = await check(
    (response) => {
      opened(response, 'fresh');
      response.end();
    },
    (_, { socket }) => socket.destroy(),
  );
  expect(findings.map(({ finding }) => finding)).toEqual(['stream_cut', 'unreachable']);
  expect(findings[1]!.detail).toContain('No resumed stream could be opened at http://127.0.0.1:');
});

test('finds that a resumed stream begins anew', async () => {
  const { findings } = await check(closed, (response) => opened(response, 'fresh'));
  expect(findings.map(({ finding }) => finding)).toEqual(['position_lost']);
});

test('after Ctrl+C it finds nothing', async () => {
  const pressed = new AbortController();
  const { skipped, findings } = await check(closed, () => pressed.abort(), FOREVER_MS, pressed.signal);
  expect({ skipped, findings }).toEqual({ skipped: 'it was interrupted', findings: [] });
});
