import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { limitMs, SIZE_NOTE, sized } from './faults/size';
import { forge } from './kit/forger';
import { MemoryLimit, memoryOf } from './kit/memory-limit';
import type { AppProcess } from './kit/processes';
import type { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { publisherToken, tokenFor } from './kit/tokens';

const MiB = 1024 * 1024;
const LARGE = 8 * MiB;
const say = (line: string) => void process.stdout.write(`  ${line}\n`);

describe(`a gateway under attack${SIZE_NOTE}`, () => {
  const limit = MemoryLimit.open(512 * MiB);
  let stack: Stack;
  let gateway: AppProcess;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'], ben: ['dairy'] }, gateways: 0 });
    gateway = await stack.startGateway(
      { NODE_OPTIONS: `--require=${join(__dirname, 'kit', 'longest-turn.cjs')}` },
      { by: limit.by },
    );
    // a first request, so that code is compiled and pools are open
    for (let i = 0; i < 20; i += 1)
      await publish({ tenant_id: 'bakery', service: 'inventory', severity: 'low', id: `warm-${i}`, title: 'x' });
  }, 120_000);
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(async () => {
    await stack?.close();
    limit.close();
  }, 60_000);

  const publish = (body: unknown) =>
    fetch(`${gateway.url}/api/v1/events`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  /** A connection that announces a body and sends as much of it as the server reads. */
  function pour(path: string, bytes: number, ...fields: string[]): { heard: () => string; done: Promise<void> } {
    let heard = '';
    const socket = connect(gateway.port, '127.0.0.1');
    sockets.push(socket);
    socket.setMaxListeners(0);
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1'))).on('error', () => undefined);
    socket.write([`POST ${path} HTTP/1.1`, 'Host: tocsin', `Content-Length: ${LARGE}`, ...fields, '', ''].join('\r\n'));
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const done = (async () => {
      for (let sent = 0; sent < bytes && !socket.destroyed; sent += chunk.length) {
        const part = chunk.subarray(0, bytes - sent);
        await Promise.race([
          new Promise<void>((resolve) => void (socket.write(part) ? resolve() : socket.once('drain', resolve))),
          new Promise<void>((resolve) => void socket.once('close', resolve)),
        ]);
      }
    })();
    return { heard: () => heard, done };
  }

  /** How much the gateway's memory grew at most while `act` ran. */
  async function growthDuring(act: () => Promise<unknown>): Promise<number> {
    const before = memoryOf(gateway.pid);
    let most = before;
    const timer = setInterval(() => (most = Math.max(most, memoryOf(gateway.pid))), 10);
    await act().finally(() => clearInterval(timer));
    return most - before;
  }

  it(
    'does not read the bodies of those who show no credential: 60 connections of 8 MiB',
    async () => {
      const paths = [
        '/api/v1/events',
        '/api/v1/alerts/search',
        '/api/v1/revocations',
        '/api/v1/opsgenie/genie/v2/alerts',
        '/nowhere',
        '/',
      ];
      const growth = await growthDuring(async () => {
        const all = Array.from({ length: 60 }, (_, i) => pour(paths[i % paths.length]!, LARGE));
        await Promise.all(all.map(({ done }) => done));
        await eventually(
          () => expect(all.filter(({ heard }) => /^HTTP\/1\.1 (401|404|405) /.test(heard()))).toHaveLength(60),
          15_000,
        );
      });
      say(`60 bodies of 8 MiB without a credential: +${Math.round(growth / MiB)} MiB`);
      expect(growth).toBeLessThan(150 * MiB);
    },
    limitMs(30),
  );

  it(
    'holds no more bytes of bodies than it may of those who have one, and answers the others 503',
    async () => {
      const token = `Authorization: Bearer ${publisherToken()}`;
      let refused = 0;
      const growth = await growthDuring(async () => {
        const all = Array.from({ length: 60 }, () =>
          pour('/api/v1/events', LARGE - 1, token, 'Content-Type: application/json'),
        );
        await Promise.race([Promise.all(all.map(({ done }) => done)), sleep(5_000)]);
        await eventually(() => {
          refused = all.filter(
            ({ heard }) => heard().includes('"code":"overloaded"') && /Retry-After: \d/.test(heard()),
          ).length;
          expect(refused).toBeGreaterThan(20);
        });
      });
      say(`60 bodies of 8 MiB with a credential: +${Math.round(growth / MiB)} MiB, ${refused} answered 503`);
      expect(growth).toBeLessThan(150 * MiB);
      for (const socket of sockets.splice(0)) socket.destroy();
      await eventually(async () =>
        expect(
          (await publish({ tenant_id: 'bakery', service: 'inventory', severity: 'low', id: 'after' })).status,
        ).toBe(202),
      );
    },
    limitMs(60),
  );

  /** The longest turn of the gateway's event loop while `act` ran, in milliseconds: `kit/longest-turn.cjs`. */
  async function longestTurn(act: () => Promise<unknown>): Promise<number> {
    const said = gateway.stderr.length;
    process.kill(gateway.pid, 'SIGUSR2');
    await sleep(50);
    await act();
    process.kill(gateway.pid, 'SIGUSR2');
    return eventually(() => Number(/longest turn: ([\d.]+) ms/.exec(gateway.stderr.slice(said))![1]));
  }

  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`field_${i}`, 1]));
  const valid = { tenant_id: 'bakery', service: 'inventory', severity: 'low' };
  const filled = (unit: string) =>
    Array.from({ length: Math.floor((LARGE - 100) / (unit.length + 1)) }, () => unit).join(',');
  it.each<[string, () => string]>([
    ['a field name of 2 MB', () => JSON.stringify({ ...valid, ['x'.repeat(2 * MiB)]: 1 })],
    ['300,000 unknown fields', () => JSON.stringify({ ...valid, ...fields(300_000) })],
    [
      '500 messages of 1,000 unknown fields',
      () => JSON.stringify(Array.from({ length: 500 }, () => ({ ...valid, ...fields(900) }))),
    ],
    ['8 MiB of empty objects', () => `[${filled('{}')}]`],
    ['a group of 8 MiB of empty objects', () => `{"version":"4","groupKey":"{}","alerts":[${filled('{}')}]}`],
    [
      '500 valid messages of 16 kB',
      () =>
        JSON.stringify(
          Array.from({ length: 500 }, (_, i) => ({
            ...valid,
            id: `m${i}`,
            message: 'x'.repeat(8_000),
            metadata: { more: 'y'.repeat(8_000) },
          })),
        ),
    ],
  ])(
    'is not held up by %s',
    async (name, make) => {
      const body = make();
      let least = Infinity;
      let answer = '';
      // the quietest of a few runs: other load on the machine does not count
      for (let run = 0; run < 8 && least > 40; run += 1) {
        least = Math.min(least, await longestTurn(async () => void (answer = await (await publish(body)).text())));
      }
      say(
        `${name}: the loop stood still for ${Math.max(0, Math.round(least))} ms; an answer of ${answer.length} characters`,
      );
      // beside other work a short run finds what is slow by a factor; hostile-bodies holds the readers to 50 ms in each
      // run
      expect(least).toBeLessThan(sized(50, 150));
      expect(answer.length).toBeLessThan(20_000);
    },
    limitMs(60),
  );

  it(
    'keeps no connection that was closed before it was attended to: 3,000 of them',
    async () => {
      let closed = 0;
      for (let wave = 0; wave < 10; wave += 1) {
        await Promise.all(
          Array.from({ length: 300 }, () => {
            const socket = connect(gateway.port, '127.0.0.1', () => socket.end());
            return new Promise<void>(
              (resolve) => void socket.on('error', () => undefined).on('close', () => (closed++, resolve())),
            );
          }),
        );
      }
      expect(closed).toBe(3_000);
      const port = gateway.port.toString(16).toUpperCase().padStart(4, '0');
      const waiting = () =>
        readFileSync('/proc/net/tcp', 'utf8')
          .split('\n')
          .filter((line) => new RegExp(`^ *\\d+: [0-9A-F]+:${port} [0-9A-F:]+ 08 `).test(line)).length;
      await eventually(() => expect(waiting()).toBe(0), 3_000);
    },
    limitMs(30),
  );

  describe('from a client that can publish to its Redis', () => {
    const seconds = sized(10, 4);
    let stream: SseStream;
    let topic: string;
    beforeAll(async () => {
      stream = await stack.watch('ana');
      topic = `${stack.prefix}alerts:bakery`;
      expect((await publish({ ...valid, id: 'watched' })).status).toBe(202);
      await eventually(() => expect(stream.frames.some(({ data }) => data.includes('"watched"'))).toBe(true));
    });
    const url = process.env.REDIS_URL!;
    const transactions = async () => {
      const [row] = await stack.sql<{ n: number }>(
        'select xact_commit::int as n from pg_stat_database where datname = current_database()',
      );
      return row!.n;
    };
    const asks = async (user: string) => {
      const startedAt = performance.now();
      const { status } = await fetch(`${gateway.url}/api/v1/alerts`, {
        headers: { Authorization: `Bearer ${tokenFor(user)}` },
      });
      return { status, ms: performance.now() - startedAt };
    };

    it(
      'is as quick as ever for other tenants under 8,600 messages a second, and asks the log ten times a second ' +
        'at most',
      async () => {
        const others: { status: number; ms: number }[] = [];
        const before = await transactions();
        let going = true;
        const asking = (async () => {
          for (; going; await sleep(50)) others.push(await asks('ben'));
        })();
        const sent = await forge(url, topic, {
          text: Buffer.from('no hint of anybody\n{}'),
          perSecond: 8_600,
          seconds,
        });
        going = false;
        await asking;
        await sleep(1_500);
        const queries = (await transactions()) - before;
        const slowest = Math.max(...others.map(({ ms }) => ms));
        say(
          `${sent} unsigned messages in ${seconds} s: ${others.length} requests of another tenant, the slowest ${Math.round(slowest)} ms; ${queries} transactions in all`,
        );
        expect(sent).toBeGreaterThanOrEqual(8_600 * seconds - 1);
        expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200]));
        expect(slowest).toBeLessThan(1_500);
        // a request takes some queries, and both apps read the event log by themselves
        expect(queries).toBeLessThan(13 * (seconds + 2) + others.length * 4 + 100);
      },
      limitMs(seconds + 10),
    );

    it(
      'does not ask for ever for a number far ahead, and shows no entry that was forged',
      async () => {
        const plain = stack.redis.duplicate();
        let last: Buffer | undefined;
        plain.on('messageBuffer', (_topic: Buffer, message: Buffer) => (last = message));
        await plain.subscribe(topic);
        expect((await publish({ ...valid, id: 'the-last-one' })).status).toBe(202);
        await eventually(() => expect(last).toBeDefined());
        plain.disconnect();
        const [, head, data] = last!.toString().split('\n') as [string, string, string];
        const hint = JSON.parse(head) as { seq: number; fp: string };
        const forged = (seq: number) =>
          `${JSON.stringify({ ...hint, seq, prev_fp: hint.fp, fp: 'forged22' })}\n${JSON.stringify({ ...(JSON.parse(data) as object), seq, title: 'a forged alert' })}`;
        for (const message of [
          forged(hint.seq + 1),
          `${'A'.repeat(43)}\n${forged(hint.seq + 1)}`,
          forged(hint.seq + 500),
          forged(2 ** 40),
        ])
          await stack.redis.publish(topic, message);

        const before = await transactions();
        await sleep(4_000);
        const queries = (await transactions()) - before;
        say(`after a number far ahead: ${queries} transactions in 4 s`);
        expect(queries).toBeLessThan(80);
        expect((await publish({ ...valid, id: 'the-true-next' })).status).toBe(202);
        await eventually(() =>
          expect(stream.frames.some(({ data: sent }) => sent.includes('"the-true-next"'))).toBe(true),
        );
        expect(stream.frames.filter(({ data: sent }) => sent.includes('forged'))).toEqual([]);
      },
      limitMs(20),
    );

    it(
      'keeps nothing of 700 messages of 512 KB',
      async () => {
        const growth = await growthDuring(() =>
          forge(url, topic, { bytes: 512 * 1024, perSecond: 350, seconds: 2 }).then(() => sleep(2_000)),
        );
        await eventually(() => expect(memoryOf(gateway.pid)).toBeLessThan(400 * MiB), 10_000);
        say(`700 messages of 512 KB: +${Math.round(growth / MiB)} MiB at most`);
        expect(growth).toBeLessThan(200 * MiB);
      },
      limitMs(30),
    );
  });
});
