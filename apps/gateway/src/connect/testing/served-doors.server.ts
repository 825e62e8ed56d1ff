import 'reflect-metadata';
import { Controller, Get, HttpCode, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refused, type ErrorCode } from '@tocsin/contracts';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { corsFields } from '../../http/cors';
import { prepareHttp } from '../../http-server';
import { ProblemAnswers } from '../../problems/problem-answers';
import { ProblemFilter } from '../../problems/problem.filter';
import { provideRequestCheck, type BeforeRequest } from '../../request/before-request';
import { clientAddress } from '../../request/client-address';
import { EventStream } from '../../live/event-stream';
import { EventsController } from '../events.controller';
import { HeadReader, type RequestHead } from '../request-head';
import { viewOf } from '../../frames/view';
import { StreamDoor } from '../stream-door';
import { StreamOpener } from '../stream-opener';
import { readStreamRequest } from '../stream-request';

export const ORIGINS = ['https://app.example.com'];
const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
const logger = createLogger({ app: 'test', level: 'silent' });

@Controller('slow')
class SlowController {
  @Get()
  @HttpCode(204)
  answer(): Promise<void> {
    return sleep(100);
  }
}

/**
 * Responds with everything that it read from a request, so that any difference between the two parsers shows in the
 * response.
 */
class TellingOpener {
  opened = 0;
  async open(raw: RequestHead, socket: Socket): Promise<void> {
    this.opened += 1;
    const request = readStreamRequest(raw, 0);
    const query = new URL(raw.url, 'http://x').searchParams;
    await Promise.resolve();
    if (query.has('refuse')) throw new Refused(query.get('refuse') as ErrorCode, 'Not now.');
    if (query.has('break')) throw new Error('broken');
    if (!query.has('open'))
      throw new Refused(
        'insufficient_scope',
        JSON.stringify([request, clientAddress({ headers: raw.headers, socket }, 1)]),
      );
    const stream = new EventStream(
      socket,
      corsFields(ORIGINS, raw.headers.origin) + (raw.addedFields ?? ''),
      viewOf(request.filter, request.form),
      { backlogBytes: 1e6, stallMs: 1e3, maxReplay: 5_000 },
      metrics,
      logger,
    );
    stream.open();
    if (query.get('open') === 'end') stream.close('rotated');
  }
}

export async function serve(withDoor: boolean, headTimeoutMs?: number, see?: BeforeRequest) {
  const opener = new TellingOpener();
  const checking = provideRequestCheck({ beforeRequest: see, beforeRequestMs: 1_000 }, 1);
  const check = checking.useValue;
  @Module({
    controllers: [EventsController, SlowController],
    providers: [
      { provide: StreamOpener, useValue: opener },
      checking,
      { provide: APP_FILTER, useValue: new ProblemFilter(metrics, logger) },
    ],
  })
  class Gateway {}
  const app = await NestFactory.create<NestExpressApplication>(Gateway, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  prepareHttp(app, { CORS_ORIGINS: ORIGINS, BODIES_BYTES: 33_554_432 });
  const reader = new HeadReader('', check.on);
  const door = new StreamDoor(opener, new ProblemAnswers(metrics, logger), ORIGINS, reader, { headTimeoutMs, check });
  await app.init();
  if (withDoor) door.standBefore(app.getHttpServer());
  await app.listen(0, '127.0.0.1');
  return { app, door, opener, port: (app.getHttpServer().address() as AddressInfo).port };
}
export type Served = Awaited<ReturnType<typeof serve>>;

/** A connection that sends parts one by one and keeps everything that it receives. */
export class Caller {
  private readonly socket: Socket;
  private heard = '';
  closed = false;

  constructor({ port }: Served, parts: readonly Buffer[]) {
    this.socket = connect(port, '127.0.0.1').setNoDelay(true);
    this.socket.on('data', (chunk: Buffer) => (this.heard += chunk.toString('latin1')));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.closed = true));
    void this.send(parts);
  }

  private async send(parts: readonly Buffer[]): Promise<void> {
    for (const [i, part] of parts.entries()) {
      if (i > 0) await sleep(2);
      if (this.socket.writable) this.socket.write(part);
    }
  }

  /** The response, without what differs between any two responses. */
  get answer(): string {
    return this.heard
      .replaceAll(/Date: [^\r]*/g, 'Date: -')
      .replaceAll(/Retry-After: \d+/g, 'Retry-After: -')
      .replaceAll(/urn:uuid:[0-9a-f-]{36}/g, 'urn:uuid:-')
      .replaceAll(/retry: \d+/g, 'retry: -')
      .replaceAll(/"retry_ms":\d+/g, '"retry_ms":-');
  }

  say(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  endSide(): void {
    this.socket.end();
  }

  leave(): void {
    this.socket.destroy();
  }
}

export const whole = (lines: string[], rest = '') => Buffer.from(`${lines.join('\r\n')}\r\n\r\n${rest}`, 'latin1');
export const HOST = 'Host: gateway.example.com';
export const AUTH = 'Authorization: Bearer abc.def.ghi';
export const get = (url: string, ...fields: string[]) => whole([`GET ${url} HTTP/1.1`, HOST, ...fields]);

/** Some 600 connections at once, on a machine that other tests share. */
const PATIENCE_MS = 25_000;

/**
 * Sends each request both through the stream door and to node:http, all at once, and waits until both have answered the
 * same or nothing changes any more.
 */
export async function sameAnswers(
  [withDoor, without]: readonly [Served, Served],
  requests: readonly (readonly Buffer[])[],
  allAnswered = false,
): Promise<string[]> {
  const pairs = requests.map((parts) => [new Caller(withDoor, parts), new Caller(without, parts)] as const);
  const compare = () => {
    for (const [i, [one, other]] of pairs.entries()) {
      const what = JSON.stringify(requests[i]!.map(String)).slice(0, 400);
      expect({ what, answer: one.answer, closed: one.closed }).toEqual({
        what,
        answer: other.answer,
        closed: other.closed,
      });
    }
    // Two connections that both got no response prove nothing.
    expect(pairs.filter(([one]) => one.closed).length).toBeGreaterThanOrEqual(
      allAnswered ? pairs.length : pairs.length / 3,
    );
  };
  try {
    await eventually(compare, PATIENCE_MS);
    // Some may have been equal only because neither had been answered yet.
    await sleep(200);
    await eventually(compare, PATIENCE_MS);
    return pairs.map(([one]) => one.answer);
  } finally {
    for (const callers of pairs) for (const caller of callers) caller.leave();
  }
}
