import fc from 'fast-check';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { HeadReader } from './request-head';
import { AUTH, Caller, HOST, get, sameAnswers, serve, whole, type Served } from './testing/served-doors.server';

const heads = new HeadReader();

let door: Served;
let plain: Served;
beforeAll(async () => {
  door = await serve(true);
  plain = await serve(false);
});
afterAll(() => Promise.all([door, plain].map((served) => served.app.close())));
const expectSameAnswers = (requests: readonly (readonly Buffer[])[], allAnswered?: boolean) =>
  sameAnswers([door, plain], requests, allAnswered);

const ORDINARY = [
  get('/api/events', AUTH),
  get('/api/events/', AUTH),
  get(
    '/api/events?token=a.b.c&tenant=acme,north&severity=urgent&service=inventory&since=5&event=message',
    'Accept: text/event-stream',
  ),
  get('/api/events?x=%zz&y=%41&tenant=a%2Cb', AUTH, 'Last-Event-ID: e1-7-abcdefgh'),
  get('/api/events?open=end', AUTH, 'Accept: text/event-stream', 'Origin: https://app.example.com'),
  get('/api/events?open=end', AUTH, 'Origin: https://elsewhere.example.com', 'Connection: keep-alive'),
  get(
    '/api/events',
    'Cookie: a=b; __Host-tocsin_stream=abc',
    'X-Forwarded-For: 203.0.113.9, 198.51.100.1',
    'Accept-Encoding: gzip',
  ),
  get('/api/events', AUTH, 'Accept: application/json'),
  get('/api/events'),
  get('/api/events?ticket=t', AUTH),
  get('/api/events?severity=loud', AUTH),
  get('/api/events', 'Authorization: Basic abc'),
  get('/api/events', 'AUTHORIZATION:Bearer abc.def.ghi  ', 'accept:\t*/*'),
  get('/api/events?break', AUTH),
  ...(
    ['too_many_streams', 'at_capacity', 'draining', 'token_expired', 'no_tenant', 'store_unavailable'] as const
  ).flatMap((code) => [
    get(`/api/events?refuse=${code}`, AUTH),
    get(
      `/api/events?refuse=${code}`,
      AUTH,
      'Accept: text/event-stream',
      'Last-Event-ID: e1-7-abcdefgh',
      'Origin: https://app.example.com',
    ),
  ]),
];
const UNUSUAL = [
  whole(['HEAD /api/events HTTP/1.1', HOST, AUTH, 'Connection: close']),
  whole(['POST /api/events HTTP/1.1', HOST, 'Content-Length: 0', 'Connection: close']),
  whole([
    'OPTIONS /api/events HTTP/1.1',
    HOST,
    'Origin: https://app.example.com',
    'Access-Control-Request-Method: GET',
    'Connection: close',
  ]),
  get('/api/events/ticket', 'Connection: close'),
  get('/api/eventsandmore', 'Connection: close'),
  get('/API/EVENTS', AUTH),
  get('http://gateway.example.com/api/events', AUTH),
  whole(['GET /api/events HTTP/1.0', HOST, AUTH]),
  whole(['GET /api/events HTTP/1.1', AUTH]),
  whole(['GET /api/events HTTP/1.1', HOST, HOST, AUTH]),
  get('/api/events', AUTH, AUTH),
  get('/api/events', AUTH, 'Transfer-Encoding: chunked', '', '0'),
  whole(['GET /api/events HTTP/1.1', HOST, AUTH, 'Content-Length: 3'], 'abc'),
  get('/api/events', AUTH, 'Connection: Upgrade', 'Upgrade: websocket'),
  get('/api/events', AUTH, 'Expect: 100-continue'),
  get('/api/events', AUTH, 'X: a\r\n folded'),
  get('/api/events', AUTH, 'X : a'),
  get('/api/events', AUTH, 'X: \u00e9'),
  get('/api/events', AUTH, 'X: a\u0000b'),
  get('/api/events?\u00e9', AUTH),
  get('/api/events#x', AUTH),
  get('/api/events', AUTH, `X: ${'y'.repeat(17_000)}`),
  get(`/api/events?x=${'y'.repeat(15_300)}`, AUTH),
  Buffer.from(`GET /api/events HTTP/1.1\n${HOST}\n${AUTH}\n\n`),
  Buffer.from('hello\r\n\r\n'),
  Buffer.from('\r\n\r\n'),
];

describe('the door of streams', () => {
  it('answers the requests that it takes byte for byte as node:http and Express do', async () => {
    const before = door.opener.opened;
    const answers = await expectSameAnswers(
      ORDINARY.map((request) => [request]),
      true,
    );
    expect(answers.every((answer) => /^HTTP\/1\.1 (200|400|401|403|406|429|500|503) /.test(answer))).toBe(true);
    expect(door.opener.opened - before).toBe(ORDINARY.length);
    for (const request of ORDINARY) expect(heads.read(request)).toBeDefined();
  });

  it('leaves every unusual request to node:http', async () => {
    for (const request of UNUSUAL) expect(heads.read(request)).toBeUndefined();
    await expectSameAnswers(UNUSUAL.map((request) => [request]));
  });

  it('reads requests below its base path, and no others', () => {
    const below = new HeadReader('/tools/a.b');
    const head = (path: string) => whole([`GET ${path} HTTP/1.1`, HOST]);
    expect(below.read(head('/tools/a.b/api/events?tenant=a'))?.url).toBe('/tools/a.b/api/events?tenant=a');
    for (const path of ['/api/events', '/tools/axb/api/events', '/tools/a.b/api/events/ticket'])
      expect(below.read(head(path))).toBeUndefined();
    const [part, wrong] = ['GET /tools/a.b/api/ev', 'GET /api/ev'].map((text) =>
      below.mayBecomeHead(Buffer.from(text)),
    );
    expect([part, wrong]).toEqual([true, false]);
  });

  it('gives the same response for any split of a request into pieces, and for any bytes after it', async () => {
    const [request] = ORDINARY;
    const cuts = [1, 5, 14, 15, 16, 30, 60, request!.length - 3, request!.length - 1].map((at) => [
      request!.subarray(0, at),
      request!.subarray(at),
    ]);
    const single = Array.from(request!, (_, i) => request!.subarray(i, i + 1));
    const second = get('/api/events?open=end', AUTH);
    await expectSameAnswers([
      ...cuts,
      single,
      [Buffer.concat([request!, second])],
      [Buffer.concat([request!, second.subarray(0, 20)]), second.subarray(20)],
    ]);
  });

  it('answers randomly damaged requests as node:http does', async () => {
    const damage = fc.record({
      request: fc.nat(ORDINARY.length - 1),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      kind: fc.constantFrom('replace', 'insert', 'remove', 'cut in two', 'repeat a line'),
      byte: fc.constantFrom(0, 9, 10, 13, 32, 34, 35, 37, 58, 63, 65, 127, 128, 255),
    });
    const damaged = fc.sample(damage, { numRuns: 300, seed: 7 }).map(({ request, at, kind, byte }) => {
      const bytes = ORDINARY[request]!;
      const place = Math.floor(at * bytes.length);
      const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
      if (kind === 'cut in two') return [head, tail].filter(({ length }) => length > 0);
      if (kind === 'replace') return [Buffer.concat([head, Buffer.of(byte), tail.subarray(1)])];
      if (kind === 'insert') return [Buffer.concat([head, Buffer.of(byte), tail])];
      if (kind === 'remove') return [Buffer.concat([head, tail.subarray(1)])];
      const lines = bytes.toString('latin1').split('\r\n');
      const line = 1 + Math.floor(at * (lines.length - 3));
      return [Buffer.from([...lines.slice(0, line), lines[line]!, ...lines.slice(line)].join('\r\n'), 'latin1')];
    });
    await expectSameAnswers(damaged);
  });

  it.each([true, false])(
    'gives a stream the connection for itself, by either door (%s): nothing else is written, and its client’s ' +
      'leaving is noticed',
    async (byDoor) => {
      const served = byDoor ? door : plain;
      const caller = new Caller(served, [get('/api/events?open', AUTH)]);
      await eventually(() => expect(caller.answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n: tocsin\n\n$/));
      caller.say(get('/api/events', AUTH));
      if (byDoor) caller.say(Buffer.from('anything'));
      await sleep(50);
      expect(caller.answer).toMatch(/: tocsin\n\n$/);
      const connections = () =>
        new Promise<number>((resolve) => served.app.getHttpServer().getConnections((_error, count) => resolve(count)));
      const before = await connections();
      caller.endSide();
      await eventually(async () => expect(await connections()).toBe(before - 1));
      // The server has closed the connection before the client sees its end.
      await eventually(() => expect(caller.closed).toBe(true));
    },
  );

  it.each([
    ['the same twice', [HOST, HOST]],
    ['another', [HOST, 'Host: elsewhere.example.com']],
    ['in another case', [HOST, 'hOST: elsewhere.example.com']],
    ['an empty one', [HOST, 'Host:']],
    ['far apart', [HOST, AUTH, 'Accept: text/event-stream', 'Host: elsewhere.example.com']],
    ['three', [HOST, HOST, HOST]],
  ])(
    'refuses a second Host field (%s), whichever door and route the request takes, and ends the connection',
    async (_, fields) => {
      for (const served of [door, plain]) {
        const before = served.opener.opened;
        for (const url of ['/api/events', '/api/events?token=a.b.c', '/slow', '/nowhere']) {
          const caller = new Caller(served, [whole([`GET ${url} HTTP/1.1`, ...fields])]);
          await eventually(() => expect(caller.closed).toBe(true));
          expect(caller.answer).toMatch(
            /^HTTP\/1\.1 400 Bad Request\r\n[^]*Connection: close\r\n[^]*"code":"invalid_request"[^]*$/,
          );
          expect(caller.answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
        }
        expect(served.opener.opened).toBe(before);
      }
    },
  );

  it.each([true, false])(
    'marks every answer as one to keep nowhere and to read as what it is, by either door (%s)',
    async (byDoor) => {
      const requests = [
        ...ORDINARY,
        get('/slow', 'Connection: close'),
        get('/nowhere', 'Connection: close'),
        whole(['POST /api/events HTTP/1.1', HOST, 'Content-Length: 0', 'Connection: close']),
      ];
      for (const request of requests) {
        const caller = new Caller(byDoor ? door : plain, [request]);
        await eventually(() => expect(caller.closed).toBe(true));
        const isStream = caller.answer.includes(': tocsin\n');
        expect(caller.answer).toMatch(/\r\nCache-Control: no-store/);
        if (!isStream) expect(caller.answer).toMatch(/\r\nX-Content-Type-Options: nosniff\r\n/);
      }
    },
  );

  it('does not write a stream into the answer to a request before it', async () => {
    const caller = new Caller(door, [Buffer.concat([get('/slow'), get('/api/events?open', AUTH)])]);
    await eventually(() => expect(caller.closed).toBe(true));
    expect(caller.answer).toMatch(
      /^HTTP\/1\.1 204 No Content\r\n[^]*?\r\n\r\nHTTP\/1\.1 400 Bad Request\r\n[^]*invalid_request/,
    );
  });

  it('closes connections that sent no complete head in time, with half a request or none', async () => {
    const slow = await serve(true, 300);
    const callers = [
      new Caller(slow, []),
      new Caller(slow, [Buffer.from('GET /api/ev')]),
      new Caller(slow, [get('/api/events?open', AUTH)]),
    ];
    await eventually(() => expect(callers.map(({ closed }) => closed)).toEqual([true, true, false]), 5_000);
    expect(callers.map(({ answer }) => answer.slice(0, 12))).toEqual(['', '', 'HTTP/1.1 200']);
    callers[2]!.leave();
    await slow.app.close();
  });

  it('keeps no connection that was closed before it was handled', async () => {
    const served = await serve(true);
    try {
      const server = served.app.getHttpServer() as Server;
      const count = () =>
        new Promise<number>((resolve, reject) =>
          server.getConnections((error, connections) => (error ? reject(error) : resolve(connections))),
        );
      let accepted = 0;
      server.on('connection', () => (accepted += 1));
      const left = Array.from({ length: 600 }, (_, i) => {
        const socket = connect(served.port, '127.0.0.1', () =>
          i % 10 === 0 ? socket.resetAndDestroy() : socket.end(),
        );
        socket.on('error', () => undefined);
        return socket;
      });
      await eventually(() => expect(left.every(({ destroyed }) => destroyed)).toBe(true), 10_000);
      await eventually(async () => expect(await count()).toBe(0), 3_000);
      // Connections that were reset may never have been passed to the process.
      expect(accepted).toBeGreaterThan(500);
    } finally {
      served.door.close();
      await served.app.close();
    }
  });

  it('answers half a request whose sender ended its side, as node:http does', async () => {
    const callers = [door, plain].map((served) => new Caller(served, [Buffer.from('GET /api/events HTTP/1.1\r\nHo')]));
    await sleep(50);
    for (const caller of callers) caller.endSide();
    await eventually(() =>
      expect(callers.map(({ answer, closed }) => [answer, closed])).toEqual(
        Array.from({ length: 2 }, () => ['HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', true]),
      ),
    );
  });

  it('ends connections without a stream when it closes, and accepts no more', async () => {
    const served = await serve(true);
    const [waiting, streaming] = [new Caller(served, []), new Caller(served, [get('/api/events?open', AUTH)])];
    await eventually(() => expect(streaming.answer).toContain('200 OK'));
    served.door.close();
    await eventually(() => expect(waiting.closed).toBe(true));
    const late = new Caller(served, [get('/api/events?open', AUTH)]);
    await eventually(() => expect(late.closed).toBe(true));
    expect([late.answer, streaming.closed]).toEqual(['', false]);
    streaming.leave();
    await served.app.close();
  });
});

it('a head that is not complete may become one only while nothing in it is known to be wrong', () => {
  for (const text of [
    '',
    'G',
    'GET /api',
    'GET /api/events?x',
    'GET /api/events HTTP/1.1\r\nHost: x\r\n',
    'GET /api/events HTTP/1.1\r\nHost',
    'GET /api/events HTT',
    'GET /api/events HTTP/1.1\r\nA: b\r',
    'GET /api/events HTTP/1.1\r\nA: b\r\n\r',
  ])
    expect(heads.mayBecomeHead(Buffer.from(text))).toBe(true);
  for (const text of [
    'P',
    'GET /apx',
    'GET /api/v1',
    'GET /api/eventsx',
    'GET /api/events HTTQ',
    'GET /api/events HTTP/1.1\r\n A',
    'GET /api/events HTTP/1.1\r\nA: b\n',
    'GET /api/events HTTP/1.1\r\nA: \0',
    'GET /api/events HTTP/1.1\r\n\r\n',
    `GET /api/events?${'x'.repeat(16_000)}`,
  ])
    expect(heads.mayBecomeHead(Buffer.from(text))).toBe(false);
});
