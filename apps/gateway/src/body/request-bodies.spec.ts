import 'reflect-metadata';
import { CanActivate, Controller, ExecutionContext, Module, Post, Req, UseGuards } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request } from 'express';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { Refused } from '@tocsin/contracts';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { LARGE_BODY, SMALL_BODY, TakesBody } from './body.interceptor';

const MiB = 1024 * 1024;

class KnowsCaller implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request & { verifiedToken?: unknown }>();
    if (request.headers.authorization !== 'Bearer good') throw new Refused('missing_credentials', 'A token is needed.');
    request.verifiedToken = {};
    return true;
  }
}

const lengthOf = (request: Request): { bytes: number } => ({
  bytes: (request.body as Buffer | undefined)?.length ?? -1,
});

@Controller()
class Doors {
  @Post('large')
  @UseGuards(new KnowsCaller())
  @TakesBody(LARGE_BODY)
  large(@Req() request: Request) {
    return lengthOf(request);
  }

  @Post('small')
  @UseGuards(new KnowsCaller())
  @TakesBody(SMALL_BODY)
  small(@Req() request: Request) {
    return lengthOf(request);
  }

  /** A route whose credential is in the body. */
  @Post('told-inside')
  @TakesBody(8 * SMALL_BODY)
  inside(@Req() request: Request) {
    return lengthOf(request);
  }

  @Post('none')
  none(@Req() request: Request) {
    return lengthOf(request);
  }
}

/** A client that sends exactly the bytes that the test gives it, and keeps what it receives. */
class Wire {
  heard = '';
  closed = false;
  sent = 0;
  readonly socket: Socket;

  constructor(port: number, head: readonly string[]) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => (this.heard += chunk.toString('latin1')));
    this.socket.on('error', () => undefined).on('close', () => (this.closed = true));
    this.socket.write(`${head.join('\r\n')}\r\n\r\n`);
  }

  /** Sends until the server accepts no more bytes. */
  async pour(bytes: number): Promise<void> {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (this.sent = 0; this.sent < bytes && !this.socket.destroyed; this.sent += chunk.length) {
      const piece = chunk.subarray(0, Math.min(chunk.length, bytes - this.sent));
      await new Promise<void>((resolve) => {
        const done = () => resolve();
        this.socket.once('close', done);
        this.socket.write(piece, () => {
          this.socket.off('close', done);
          done();
        });
      });
    }
  }

  get status(): number {
    return Number(/HTTP\/1\.1 (\d+)(?![^]*HTTP\/1\.1)/.exec(this.heard)?.[1] ?? 0);
  }
}

const head = (path: string, ...fields: string[]) => [`POST ${path} HTTP/1.1`, 'Host: tocsin', ...fields];
const GOOD = 'Authorization: Bearer good';

describe('the body of a request', () => {
  let app: NestExpressApplication;
  let port: number;
  const wires: Wire[] = [];
  const open = (lines: readonly string[]) => {
    const wire = new Wire(port, lines);
    wires.push(wire);
    return wire;
  };

  beforeAll(async () => {
    const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
    @Module({
      controllers: [Doors],
      providers: [
        provideRequestCheck(),
        { provide: APP_FILTER, useValue: new ProblemFilter(metrics, createLogger({ app: 'test', level: 'silent' })) },
      ],
    })
    class Gateway {}
    app = await NestFactory.create<NestExpressApplication>(Gateway, {
      logger: false,
      bodyParser: false,
      forceCloseConnections: true,
    });
    prepareHttp(app, { CORS_ORIGINS: [], BODIES_BYTES: 16 * MiB });
    await app.listen(0, '127.0.0.1');
    port = (app.getHttpServer().address() as AddressInfo).port;
  });
  afterEach(() => {
    for (const { socket } of wires.splice(0)) socket.destroy();
  });
  afterAll(() => app.close());

  it.each([
    ['/large', '401', 'who shows no credential', 'Authorization: Bearer bad'],
    ['/nowhere', '404', 'a path that there is not', GOOD],
    ['/nowhere', '404', 'a path that there is not, without a credential', 'X: y'],
    ['/small', '413', 'more than the route takes', GOOD],
    ['/told-inside', '413', 'more than is read before the credential', 'X: y'],
  ])('to %s is answered %s before it is read: %s', async (path, status, _what, field) => {
    for (const announced of [[`Content-Length: ${8 * MiB}`], ['Transfer-Encoding: chunked']]) {
      const wire = open(head(path, field, ...announced));
      // The length of a chunked body is unknown in advance: it is read up to the limit.
      const reads = announced[0]!.startsWith('Transfer') && status === '413';
      if (reads) {
        const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
        for (let i = 0; i < 20; i += 1) wire.socket.write(chunk);
      }
      await eventually(() => expect(wire.heard).toMatch(/^HTTP\/1\.1 \d+[^]*\r\n\r\n\{.*\}$/));
      expect(wire.heard).toContain(`HTTP/1.1 ${status} `);
      expect(wire.heard.toLowerCase()).toContain('connection: close');
      await eventually(() => expect(wire.closed).toBe(true), 5_000);
    }
  });

  it('that is not wanted is dropped up to a limit, and its sender has read the response by then', async () => {
    const all = open(head('/large', `Content-Length: ${8 * MiB}`));
    await all.pour(8 * MiB);
    expect([all.status, all.sent]).toEqual([401, 8 * MiB]);
    const endless = open(head('/large', `Content-Length: ${64 * MiB}`));
    await endless.pour(64 * MiB);
    expect(endless.status).toBe(401);
    // Bytes in the kernel buffers of both sides are not under our control.
    expect(endless.sent).toBeLessThan(48 * MiB);
  });

  it('that is small and not wanted leaves its connection for the next request', async () => {
    const wire = open(head('/none', 'Content-Length: 5'));
    wire.socket.write('12345');
    await eventually(() => expect(wire.heard).toContain('{"bytes":-1}'));
    wire.socket.write(`${head('/small', GOOD, 'Content-Length: 3').join('\r\n')}\r\n\r\nabc`);
    await eventually(() => expect(wire.heard).toContain('{"bytes":3}'));
  });

  it('of 8 MiB arrives whole, and its connection stays', async () => {
    const wire = open(head('/large', GOOD, `Content-Length: ${8 * MiB}`));
    await wire.pour(8 * MiB);
    await eventually(() => expect(wire.heard).toContain(`{"bytes":${8 * MiB}}`));
    expect(wire.heard.toLowerCase()).not.toContain('connection: close');
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (body: Buffer) => body],
  ] as const)('may be encoded as %s, and counts as what it is without', async (encoding, encode) => {
    const send = (bytes: number) =>
      fetch(`http://127.0.0.1:${port}/small`, {
        method: 'POST',
        headers: { Authorization: 'Bearer good', 'Content-Encoding': encoding },
        body: encode(Buffer.alloc(bytes, 'x')),
      });
    expect(await (await send(SMALL_BODY)).json()).toEqual({ bytes: SMALL_BODY });
    expect((await send(SMALL_BODY + 1)).status).toBe(413);
  });

  it('in an encoding that is unknown or broken is refused', async () => {
    const send = (encoding: string) =>
      fetch(`http://127.0.0.1:${port}/small`, {
        method: 'POST',
        headers: { Authorization: 'Bearer good', 'Content-Encoding': encoding },
        body: 'no such thing',
      });
    expect((await send('compress')).status).toBe(415);
    expect((await send('gzip')).status).toBe(400);
  });

  it('is requested with 100 Continue only when its route reads it', async () => {
    const good = open(head('/small', GOOD, 'Content-Length: 3', 'Expect: 100-continue'));
    await eventually(() => expect(good.heard).toBe('HTTP/1.1 100 Continue\r\n\r\n'));
    good.socket.write('abc');
    await eventually(() => expect(good.heard).toContain('{"bytes":3}'));

    for (const [path, status] of [
      ['/small', 401],
      ['/nowhere', 404],
    ] as const) {
      const bad = open(head(path, 'Content-Length: 3', 'Expect: 100-continue'));
      await eventually(() => expect(bad.closed).toBe(true));
      expect(bad.heard).not.toContain('100 Continue');
      expect(bad.status).toBe(status);
    }
  });

  it('takes room in the shared memory, and gives it back when the response is sent or the client is gone', async () => {
    const holding = [
      open(head('/large', GOOD, `Content-Length: ${8 * MiB}`)),
      open(head('/large', GOOD, `Content-Length: ${8 * MiB}`)),
    ];
    await Promise.all(holding.map((wire) => wire.pour(8 * MiB - 1_000)));
    // The server may not have read yet what was sent.
    await eventually(async () => {
      const late = await fetch(`http://127.0.0.1:${port}/large`, {
        method: 'POST',
        headers: { Authorization: 'Bearer good' },
        body: Buffer.alloc(MiB, 'x'),
      });
      expect([late.status, ((await late.json()) as { code?: string }).code]).toEqual([503, 'overloaded']);
      expect(late.headers.get('retry-after')).toMatch(/^\d$/);
    });

    for (const { socket } of holding) socket.destroy();
    await eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/large`, {
        method: 'POST',
        headers: { Authorization: 'Bearer good' },
        body: Buffer.alloc(8 * MiB, 'x'),
      });
      expect(answer.status).toBe(201);
    });
  });

  it('takes at most a quarter of that memory while its sender is unknown', async () => {
    const unknown = Array.from({ length: 12 }, () => open(head('/told-inside', `Content-Length: ${512 * 1024}`)));
    await Promise.all(unknown.map((wire) => wire.pour(512 * 1024 - 1)));
    await eventually(() => expect(unknown.filter(({ status }) => status === 503).length).toBeGreaterThanOrEqual(4));
    const known = await fetch(`http://127.0.0.1:${port}/large`, {
      method: 'POST',
      headers: { Authorization: 'Bearer good' },
      body: Buffer.alloc(8 * MiB, 'x'),
    });
    expect(known.status).toBe(201);
  });
});
