import 'reflect-metadata';
import { Controller, Get, Module, Post, Query, type INestApplication } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { AddressInfo } from 'node:net';
import { ERROR_CODES, isCredentialError, QueueFull, Refused, Unavailable, type ErrorCode } from '@tocsin/contracts';
import { createLogger, Metrics } from '@tocsin/observability';
import { ProblemFilter } from './problem.filter';

const QUEUE_FAILURES = {
  full: new QueueFull('any', 'a name of the engine'),
  away: new Unavailable('queue', 'an address of the engine'),
};

@Controller('api')
class RefusingController {
  @Get('queue')
  queue(@Query('is') is: keyof typeof QUEUE_FAILURES): never {
    throw QUEUE_FAILURES[is];
  }

  @Get('events')
  events(@Query('code') code: ErrorCode): never {
    throw new Refused(code, 'Not now.');
  }

  @Get('v1/topics/:id/events')
  topic(@Query('code') code: ErrorCode): never {
    throw new Refused(code, 'Not now.');
  }

  @Post('v1/topics/:id/events')
  toTopic(@Query('code') code: ErrorCode): never {
    throw new Refused(code, 'Not now.');
  }

  @Get('alerts')
  alerts(@Query('code') code: ErrorCode): never {
    throw new Refused(code, 'Not now.');
  }
}

let app: INestApplication;
let origin: string;
let metrics: Metrics;
beforeAll(async () => {
  metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
  const filter = new ProblemFilter(metrics, createLogger({ app: 'test', level: 'silent' }));
  @Module({ controllers: [RefusingController], providers: [{ provide: APP_FILTER, useValue: filter }] })
  class RefusingModule {}
  app = await NestFactory.create(RefusingModule, { logger: false, forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
});
afterAll(() => app.close());

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(origin + path, { headers, method });
const STREAMS = ['/api/events', '/api/v1/topics/north/events'];
const PUBLISHING = '/api/v1/topics/north/events';
const REFUSALS = [
  ['too_many_streams', 429],
  ['rate_limited', 429],
  ['at_capacity', 503],
  ['draining', 503],
] as const;

describe('a temporary refusal', () => {
  test.each(REFUSALS)('%s is %d, with its reason and when to come back', async (code, status) => {
    const response = await ask(`/api/events?code=${code}`);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.headers.get('tocsin-refused')).toBe(code);
    expect(response.headers.get('retry-after')).toMatch(/^[1-8]$/);
    expect(await response.json()).toMatchObject({ status, code, detail: 'Not now.' });
  });

  test.each(STREAMS.flatMap((path) => REFUSALS.map(([code]) => [code, path] as const)))(
    '%s is, for an EventSource of %s, a stream that ends with the reason, since any other status would end it for good',
    async (code, path) => {
      const response = await ask(`${path}?code=${code}`, {
        accept: 'text/event-stream',
        'last-event-id': 'e1-7-abcdefgh',
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      expect(response.headers.get('tocsin-refused')).toBe(code);
      expect(response.headers.get('retry-after')).toMatch(/^[1-8]$/);
      const text = await response.text();
      expect(text).toMatch(/^retry: \d+$/m);
      expect(text).toMatch(/^event: close$/m);
      expect(JSON.parse(/^data: (.*)$/m.exec(text)![1]!)).toMatchObject({ reason: code, action: 'reconnect' });
    },
  );

  test('is a status everywhere but on the stream', async () => {
    const eventStream = { accept: 'text/event-stream' };
    expect((await ask('/api/alerts?code=rate_limited', eventStream)).status).toBe(429);
    expect((await ask(`${PUBLISHING}?code=rate_limited`, eventStream, 'POST')).status).toBe(429);
  });

  test('is spread over eight seconds', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask('/api/events?code=too_many_streams')));
    expect(new Set(answers.map(({ headers }) => headers.get('retry-after'))).size).toBeGreaterThan(3);
  });

  test.each([
    ['at_capacity', 'close'],
    ['draining', 'close'],
    ['too_many_streams', 'keep-alive'],
    ['rate_limited', 'keep-alive'],
  ])('%s leaves the connection to: %s; that of a stream it ends', async (code, connection) => {
    expect((await ask(`/api/alerts?code=${code}`)).headers.get('connection')).toBe(connection);
    expect((await ask(`${PUBLISHING}?code=${code}`, {}, 'POST')).headers.get('connection')).toBe(connection);
    for (const path of STREAMS) expect((await ask(`${path}?code=${code}`)).headers.get('connection')).toBe('close');
  });

  test('of a stream is counted by its reason', async () => {
    const counted = async () => {
      const { values } = await metrics.registry.getSingleMetric('tocsin_sse_connections_opened_total')!.get();
      return values.find(({ labels }) => labels.reason === 'too_many_streams')!.value;
    };
    const before = await counted();
    for (const path of STREAMS) await ask(`${path}?code=too_many_streams`);
    await ask(`${PUBLISHING}?code=too_many_streams`, {}, 'POST');
    expect(await counted()).toBe(before + 2);
  });
});

test.each([
  ['full', 'queue_full'],
  ['away', 'publish_failed'],
])('a queue that is %s is 503 %s, says when to come back and keeps the connection', async (is, code) => {
  const response = await ask(`/api/queue?is=${is}`);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toMatch(/^[1-8]$/);
  expect(response.headers.get('connection')).toBe('keep-alive');
  const problem = await response.text();
  expect(JSON.parse(problem)).toMatchObject({ status: 503, code });
  expect(problem).not.toContain('of the engine');
});

test.each(ERROR_CODES)('%s is an error status with its own code', async (code) => {
  const response = await ask(`/api/events?code=${code}`);
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status === 401).toBe(isCredentialError(code));
  expect(await response.json()).toMatchObject({ code, status: response.status });
});
