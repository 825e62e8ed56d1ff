import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { eventually } from '@tocsin/contracts/testing';
import { keepIdleConnections, letGoOfConnections } from './idle-connections';

let server: Server;
let sockets: Socket[];
/** Responses that wait until the test sends them. */
let held: (() => void)[];

async function listen(keepMs: number, maxIdle?: number): Promise<void> {
  server = createServer((request, response) => {
    const answer = () => void response.end('here');
    if (request.url === '/later') held.push(answer);
    else answer();
  });
  keepIdleConnections(server, keepMs, maxIdle);
  await once(server.listen(0, '127.0.0.1'), 'listening');
}

/** A connection that a proxy keeps open: what it has read, and whether the gateway has closed it. */
function open() {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  const state = {
    text: '',
    closed: false,
    answers: () => state.text.split('HTTP/1.1 200 OK').length - 1,
    ask: (path = '/') => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`),
  };
  socket.on('data', (chunk: Buffer) => (state.text += chunk.toString()));
  socket.on('close', () => (state.closed = true));
  socket.on('error', () => undefined);
  return state;
}
const answered = (one: ReturnType<typeof open>, count: number) => eventually(() => expect(one.answers()).toBe(count));

beforeEach(() => {
  sockets = [];
  held = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('an idle connection is kept as long as it is told, and then closed', async () => {
  await listen(1_500);
  const startedAt = performance.now();
  const one = open();
  one.ask();
  await answered(one, 1);
  await eventually(() => expect(one.closed).toBe(true), 10_000);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_400);
});

it('of too many, the one that was silent for longest goes', async () => {
  await listen(60_000, 2);
  const [first, second, third] = [open(), open(), open()];
  for (const one of [first, second]) {
    one.ask();
    await answered(one, 1);
  }
  first.ask();
  await answered(first, 2);
  third.ask();
  await answered(third, 1);
  await eventually(() => expect([first.closed, second.closed, third.closed]).toEqual([false, true, false]));
});

it('a connection with an answer under way is not idle, also when an earlier one has just been sent', async () => {
  await listen(60_000, 1);
  const busy = open();
  busy.ask();
  busy.ask('/later');
  await answered(busy, 1);
  const other = open();
  other.ask();
  await answered(other, 1);
  const another = open();
  another.ask();
  await answered(another, 1);
  await eventually(() => expect([busy.closed, other.closed, another.closed]).toEqual([false, true, false]));
  held[0]!();
  await answered(busy, 2);
});

it('a server that stops lets go of idle ones at once, and of the others with their answer', async () => {
  await listen(60_000);
  const [idle, busy] = [open(), open()];
  idle.ask();
  busy.ask('/later');
  await answered(idle, 1);
  await eventually(() => expect(held).toHaveLength(1));
  letGoOfConnections(server);
  await eventually(() => expect(idle.closed).toBe(true));
  expect(busy.closed).toBe(false);
  held[0]!();
  await eventually(() => expect(busy.closed).toBe(true));
  expect(busy.answers()).toBe(1);
  const late = open();
  late.ask();
  await eventually(() => expect(late.closed).toBe(true));
  expect(late.text).toContain('Connection: close');
});
