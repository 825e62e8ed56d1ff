import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refused, type ErrorCode } from '@tocsin/contracts';
import { eventually } from '@tocsin/contracts/testing';
import type { BeforeRequest } from '../request/before-request';
import { AUTH, Caller, get, sameAnswers, serve, type Served } from './testing/served-doors.server';

describe('the function of the operator', () => {
  const seen: unknown[] = [];
  let letThrough = (): void => undefined;
  let held: Promise<void>;
  const see: BeforeRequest = ({ method, url, headers, remoteAddress }) => {
    seen.push({ method, url, headers: { ...headers }, remoteAddress });
    const wish = headers['x-wish'];
    if (wish === 'later') return sleep(5).then(() => ({ headers: { 'Served-By': 'later' } }));
    if (wish === 'held') return held;
    if (wish === 'never') return new Promise(() => {});
    if (wish === 'break') throw new Error('broken');
    return wish ? new Refused(wish as ErrorCode, 'Not by this way.') : { headers: { 'Served-By': 'now' } };
  };
  let byDoor: Served;
  let byExpress: Served;
  beforeAll(async () => {
    byDoor = await serve(true, undefined, see);
    byExpress = await serve(false, undefined, see);
  });
  afterAll(() => Promise.all([byDoor, byExpress].map((served) => served.app.close())));
  beforeEach(() => {
    seen.length = 0;
    held = new Promise<void>((resolve) => (letThrough = resolve));
  });
  const FORWARDED = 'X-Forwarded-For: 203.0.113.9';
  const PAGE = 'Origin: https://app.example.com';

  it('decides the same on a stream by either door, and adds its headers to what is sent', async () => {
    const requests = [
      ['/api/events?open=end', ''],
      ['/api/events?open=end', 'later'],
      ['/api/events?refuse=no_tenant', ''],
      ['/api/events?open', 'refused_by_operator'],
      ['/api/events?open', 'rate_limited'],
      ['/api/events?open', 'break'],
      ['/api/events?open', 'never'],
    ].map(([url, wish]) => [get(url!, AUTH, PAGE, FORWARDED, ...(wish ? [`X-Wish: ${wish}`] : []))]);
    const opened = byDoor.opener.opened;
    const answers = await sameAnswers([byDoor, byExpress], requests, true);
    expect(
      answers.map((answer) => [/^HTTP.1.1 (\d+)/.exec(answer)![1], /Served-By: (.*)\r/.exec(answer)?.[1]]),
    ).toEqual([
      ['200', 'now'],
      ['200', 'later'],
      ['403', 'now'],
      ['403', undefined],
      ['429', undefined],
      ['503', undefined],
      ['503', undefined],
    ]);
    for (const answer of answers) expect(answer).toContain('Access-Control-Allow-Origin: https://app.example.com\r\n');
    expect(answers[3]).toContain('"code":"refused_by_operator"');
    expect(answers[6]).toContain('"code":"operator_check_unavailable"');
    expect(byDoor.opener.opened - opened).toBe(3);
    expect(seen).toHaveLength(2 * requests.length);
    expect(seen).toContainEqual({
      method: 'GET',
      url: '/api/events?open',
      headers: {
        host: 'gateway.example.com',
        authorization: 'Bearer abc.def.ghi',
        origin: 'https://app.example.com',
        'x-forwarded-for': '203.0.113.9',
        'x-wish': 'break',
      },
      remoteAddress: '203.0.113.9',
    });
    // both doors show it the same
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(requests.length);
  });

  it('tells an EventSource to come back when it fails, as any other status would end it for good', async () => {
    const request = get('/api/events?open', AUTH, 'Accept: text/event-stream', 'X-Wish: never');
    const [answer] = await sameAnswers([byDoor, byExpress], [[request]], true);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK[^]*event: close\ndata: .*operator_check_unavailable.*reconnect/);
  });

  it('sees all other requests as well, and a browser’s question before them not', async () => {
    for (const [url, status] of [
      ['/slow', 204],
      ['/nowhere', 404],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${byDoor.port}${url}`);
      expect([answer.status, answer.headers.get('served-by')]).toEqual([status, 'now']);
    }
    const refused = await fetch(`http://127.0.0.1:${byDoor.port}/slow`, {
      headers: { 'X-Wish': 'refused_by_operator' },
    });
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      403,
      'application/problem+json; charset=utf-8',
    ]);
    const preflight = await fetch(`http://127.0.0.1:${byDoor.port}/slow`, {
      method: 'OPTIONS',
      headers: { 'X-Wish': 'refused_by_operator', 'Access-Control-Request-Method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(seen).toHaveLength(3);
  });

  it('opens no stream for a client that left while it decided', async () => {
    const opened = byDoor.opener.opened;
    const caller = new Caller(byDoor, [get('/api/events?open', AUTH, 'X-Wish: held')]);
    await eventually(() => expect(seen).toHaveLength(1));
    caller.leave();
    const server = byDoor.app.getHttpServer() as Server;
    const count = () => new Promise((resolve) => server.getConnections((_error, number) => resolve(number)));
    server.closeIdleConnections();
    await eventually(async () => expect(await count()).toBe(0));
    letThrough();
    await fetch(`http://127.0.0.1:${byDoor.port}/slow`);
    expect(byDoor.opener.opened).toBe(opened);
  });

  it('outlives a connection that breaks in the moment in which it has decided', async () => {
    const server = byDoor.app.getHttpServer() as Server;
    const arrived = once(server, 'connection') as Promise<[Socket]>;
    const caller = new Caller(byDoor, [get('/api/events?open', AUTH, 'X-Wish: held')]);
    const [socket] = await arrived;
    await eventually(() => expect(seen).toHaveLength(1));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    // the socket reports the error in a later turn of the event loop
    socket.destroy(new Error('reset'));
    letThrough();
    await closed;
    caller.leave();
  });
});
