import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { Refused } from '@tocsin/contracts';
import { bind } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { readSettings } from '@tocsin/settings';
import { prepareHttp } from '../http-server';
import { LimitRequests } from '../limits/limit-requests.guard';
import { RequestLimits } from '../limits/request-limits';
import { ProblemFilter } from '../problems/problem.filter';
import { provideRequestCheck, type BeforeRequest } from '../request/before-request';
import { ForwardRequests, type ProxyLimits } from './forward-requests';
import { proxyRoutes } from '../http/proxy-routes';

const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** A service that keeps what it is asked. */
async function service(answer: RequestListener) {
  const asked: { request: IncomingMessage; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    const kept = { request, body };
    asked.push(kept);
    request.once('end', () => {
      kept.body = body;
      answer(request, response);
    });
  });
  return { url: await listening(server), asked };
}

async function listening(server: Server | TcpServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({
    close: () => {
      if ('closeAllConnections' in server) server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function gateway(
  target: string,
  {
    limits = {},
    perMinute = 0,
    trusted = 0,
    see,
  }: { limits?: Partial<ProxyLimits>; perMinute?: number; trusted?: number; see?: BeforeRequest } = {},
) {
  const PROXY_ROUTES = proxyRoutes.parse(`/auth=${target}`);
  @Controller('api/v1/own')
  class Own {
    @Get()
    answer() {
      return { own: true };
    }
  }
  @Module({
    imports: [observability],
    controllers: [Own],
    providers: [
      provideRequestCheck({ beforeRequest: see }, trusted),
      {
        provide: ForwardRequests,
        useFactory: (metrics: Metrics) =>
          new ForwardRequests(
            { PROXY_ROUTES, TRUSTED_PROXIES: trusted },
            new LimitRequests(
              new RequestLimits({ user: 0, token: 0, address: perMinute }, undefined),
              { TRUSTED_PROXIES: trusted } as never,
              metrics,
            ),
            metrics,
            limits,
          ),
        inject: [Metrics],
      },
      { ...bind(ProblemFilter, ProblemFilter, Metrics, Log), provide: APP_FILTER },
    ],
  })
  class Door {}
  const app = await NestFactory.create<NestExpressApplication>(Door, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  prepareHttp(app, { CORS_ORIGINS: [], PROXY_ROUTES });
  await app.listen(0, '127.0.0.1');
  opened.push(app);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const count = async (outcome: string) =>
    Number(
      new RegExp(`^tocsin_proxied_requests_total\\{outcome="${outcome}"[^}]*\\} (\\d+)$`, 'm').exec(
        await app.get(Metrics).registry.metrics(),
      )?.[1],
    );
  return { url: `http://127.0.0.1:${port}`, port, count };
}

const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

it('passes a request and its answer on as they are, less what belongs to one connection or to the gateway', async () => {
  const auth = await service((_request, response) =>
    response
      .writeHead(201, {
        'content-type': 'text/plain',
        'set-cookie': ['sid=1; Path=/auth', 'b=2'],
        connection: 'keep-alive, x-hop',
        'x-hop': 'secret',
        'x-powered-by': 'them',
        'cache-control': 'max-age=60',
      })
      .end('hello'),
  );
  const { url, count } = await gateway(auth.url);
  const answer = await fetch(`${url}/auth/login?a=%2F&b=1`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer theirs',
      cookie: 'tocsin_session=ours; theirs=1; __Host-tocsin_session=ours',
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      forwarded: 'for=203.0.113.9',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'name=ana',
  });
  expect([answer.status, await answer.text()]).toEqual([201, 'hello']);
  expect(answer.headers.getSetCookie()).toEqual(['sid=1; Path=/auth', 'b=2']);
  expect(answer.headers.get('cache-control')).toBe('max-age=60');
  expect([answer.headers.get('x-hop'), answer.headers.get('x-powered-by')]).toEqual([null, null]);
  const [{ request, body }] = auth.asked as [(typeof auth.asked)[number]];
  expect([request.method, request.url, body]).toEqual(['POST', '/auth/login?a=%2F&b=1', 'name=ana']);
  expect(request.headers).toMatchObject({
    authorization: 'Bearer theirs',
    cookie: 'theirs=1',
    host: new URL(auth.url).host,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': new URL(url).host,
  });
  expect(request.headers).not.toHaveProperty('forwarded');
  expect(await count('answered')).toBe(1);
});

it('believes the addresses and the scheme that a trusted proxy says', async () => {
  const auth = await service((_request, response) => response.end());
  const { url } = await gateway(auth.url, { trusted: 1 });
  await fetch(`${url}/auth`, { headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' } });
  expect(auth.asked[0]!.request.headers).toMatchObject({
    'x-forwarded-for': '203.0.113.9, 127.0.0.1',
    'x-forwarded-proto': 'https',
  });
});

it('sends nothing else on, and answers its own routes as before', async () => {
  const auth = await service((_request, response) => response.end());
  const { url } = await gateway(auth.url);
  expect(await (await fetch(`${url}/api/v1/own`)).json()).toEqual({ own: true });
  expect((await fetch(`${url}/authority`)).status).toBe(404);
  expect(auth.asked).toEqual([]);
});

it('passes the parts of an answer on when they come, and tells the service when its client has left', async () => {
  let left = false;
  const auth = await service((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    response.once('close', () => (left = true));
  });
  const { url } = await gateway(auth.url);
  const leaving = new AbortController();
  const { body } = await fetch(`${url}/auth/stream`, { signal: leaving.signal });
  const { value } = await body!.getReader().read();
  expect(Buffer.from(value!).toString()).toBe('data: 1\n\n');
  leaving.abort();
  await eventually(() => expect(left).toBe(true));
});

it('counts a request whose client leaves before an answer apart, with and without a body', async () => {
  const auth = await service(() => undefined);
  const { url, count } = await gateway(auth.url);
  const leaving = new AbortController();
  const asked = [{}, { method: 'POST', body: 'a' }].map((more) =>
    fetch(`${url}/auth`, { ...more, signal: leaving.signal }).catch(() => undefined),
  );
  await eventually(() => expect(auth.asked).toHaveLength(2));
  leaving.abort();
  await Promise.all(asked);
  await eventually(async () => expect(await count('client_left')).toBe(2));
  expect(await count('answered')).toBe(0);
});

/** A path as it stands, which `fetch` would shorten. */
async function statusOf(port: number, path: string): Promise<number> {
  const asking = ask({ port, path, host: '127.0.0.1' }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode!;
}

it('refuses a path that leads out of its prefix', async () => {
  const auth = await service((_request, response) => response.end());
  const { port, count } = await gateway(auth.url);
  for (const path of ['/auth/../admin', '/auth/%2e%2e/admin']) expect(await statusOf(port, path)).toBe(400);
  expect(auth.asked).toEqual([]);
  expect(await count('refused')).toBe(2);
});

it('answers 502 for a service that is away or breaks off, and 504 for a silent one', async () => {
  const away = createTcpServer();
  const target = await listening(away);
  away.close();
  await once(away, 'close');
  const one = await gateway(target);
  const refused = await fetch(`${one.url}/auth/x`);
  expect([refused.status, await codeOf(refused)]).toEqual([502, 'upstream_unavailable']);
  expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);

  const breaking = await gateway(
    await listening(createTcpServer((socket) => socket.once('data', () => socket.destroy()))),
  );
  expect(await codeOf(await fetch(`${breaking.url}/auth/x`, { method: 'POST', body: 'a' }))).toBe(
    'upstream_unavailable',
  );
  expect([await breaking.count('unavailable'), await breaking.count('answered')]).toEqual([1, 0]);

  const silent = await gateway(await listening(createTcpServer((socket) => socket.resume())), {
    limits: { silenceMs: 200 },
  });
  const late = await fetch(`${silent.url}/auth/x`);
  expect([late.status, await codeOf(late)]).toEqual([504, 'upstream_timeout']);
  expect(await silent.count('timeout')).toBe(1);
});

it('refuses a body over the limit, whether or not its length is known', async () => {
  const auth = await service((_request, response) => response.end());
  const { url } = await gateway(auth.url, { limits: { bodyBytes: 1_000 } });
  const said = await fetch(`${url}/auth`, { method: 'POST', body: 'a'.repeat(1_001) });
  expect([said.status, await codeOf(said)]).toEqual([413, 'body_too_large']);
  const chunked = new ReadableStream({
    start(stream) {
      for (let n = 0; n < 11; n += 1) stream.enqueue(Buffer.alloc(100));
      stream.close();
    },
  });
  const unsaid = await fetch(`${url}/auth`, { method: 'POST', body: chunked, duplex: 'half' } as RequestInit);
  expect([unsaid.status, await codeOf(unsaid)]).toEqual([413, 'body_too_large']);
});

it('counts an address among its requests of a minute, and a bounded number of requests at the same time', async () => {
  const auth = await service((request, response) => void (request.url === '/auth/slow' || response.end()));
  const limited = await gateway(auth.url, { perMinute: 1 });
  expect((await fetch(`${limited.url}/auth`)).status).toBe(200);
  const beyond = await fetch(`${limited.url}/auth`);
  expect([beyond.status, await codeOf(beyond)]).toEqual([429, 'rate_limited']);

  const { url } = await gateway(auth.url, { limits: { requests: 1 } });
  const leaving = new AbortController();
  const slow = fetch(`${url}/auth/slow`, { signal: leaving.signal }).catch(() => undefined);
  await eventually(() => expect(auth.asked.map(({ request }) => request.url)).toContain('/auth/slow'));
  const second = await fetch(`${url}/auth`);
  expect([second.status, await codeOf(second)]).toEqual([503, 'overloaded']);
  leaving.abort();
  await slow;
  await eventually(async () => expect((await fetch(`${url}/auth`)).status).toBe(200));
});

it('asks the function of the operator before it sends a request on, and once for each', async () => {
  const auth = await service((_request, response) => response.end('hello'));
  const seen: string[] = [];
  const { url } = await gateway(auth.url, {
    see: ({ method, url, headers }) => {
      seen.push(`${method} ${url}`);
      return headers['x-wish'] ? new Refused('refused_by_operator', 'No.') : { headers: { 'Served-By': 'a' } };
    },
  });
  const passed = await fetch(`${url}/auth/a?b`, { method: 'POST', body: 'c' });
  expect([passed.status, passed.headers.get('served-by'), auth.asked[0]!.body]).toEqual([200, 'a', 'c']);
  const refused = await fetch(`${url}/auth`, { headers: { 'X-Wish': '1' } });
  expect([refused.status, await codeOf(refused), auth.asked.length]).toEqual([403, 'refused_by_operator', 1]);
  expect((await fetch(`${url}/api/v1/own`)).headers.get('served-by')).toBe('a');
  expect(seen).toEqual(['POST /auth/a?b', 'GET /auth', 'GET /api/v1/own']);
});

it('opens no other protocol: an upgrade is answered as a plain request', async () => {
  const auth = await service((_request, response) => response.end('plain'));
  const { port } = await gateway(auth.url);
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => (said += text));
  socket.write('GET /auth/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await eventually(() => expect(said).toContain('plain'));
  socket.destroy();
  expect(auth.asked[0]!.request.headers).not.toHaveProperty('upgrade');
});
