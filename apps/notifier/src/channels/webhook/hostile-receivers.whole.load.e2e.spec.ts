import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ClaimedDelivery } from '@tocsin/contracts';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import { WebhookChannel } from '../webhook.channel';
import { OneEndpoint } from './testing/one-endpoint';

// The receivers are another process, so that the memory of this one has nothing of theirs.

const LONGEST_MS = 31_000;
const AT_ONCE = 32;
const MOST_MIB = 5;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let hostile: ChildProcess;
let ports: Record<string, number>;
beforeAll(async () => {
  hostile = spawn(process.execPath, [join(__dirname, 'testing/hostile-receiver.cjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(hostile.stdout!, 'data')) as [Buffer];
  ports = JSON.parse(line.toString()) as Record<string, number>;
});
afterAll(async () => {
  hostile?.stdin!.end();
  if (hostile && hostile.exitCode === null) await once(hostile, 'exit');
});

const channel = new WebhookChannel(new OneEndpoint(), { allowPrivate: true });
const aDelivery = (recipient: string): ClaimedDelivery => ({
  tenant_id: aTenant('bakery'),
  delivery_id: 'd-1',
  channel: 'webhook',
  recipient,
  attempt: 1,
  created_at: '2026-01-02T03:04:06.000Z',
  first_due_at: '2026-01-02T03:04:06.000Z',
  entry: anEntry(),
  notification: null,
});
const round = (port: number, count: number) =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const began = performance.now();
      const outcome = await channel.send(aDelivery(`http://127.0.0.1:${port}/`), new AbortController().signal);
      return { outcome: outcome.outcome, tookMs: performance.now() - began };
    }),
  );

test.each(['huge', 'bomb', 'headers', 'slowBody', 'slowHead', 'silent'])(
  'a receiver that is %s frees its place in time and leaves no memory behind',
  async (kind) => {
    await round(ports[kind]!, AT_ONCE);
    // a buffer that grows once is no leak; a leak grows in every round, so the smallest growth shows it
    const grown: number[] = [];
    let slowest = 0;
    for (let nth = 0; nth < 3; nth += 1) {
      collect();
      const before = process.memoryUsage().rss;
      for (const { outcome, tookMs } of await round(ports[kind]!, AT_ONCE)) {
        expect(outcome).not.toBe('sent');
        slowest = Math.max(slowest, tookMs);
      }
      collect();
      grown.push((process.memoryUsage().rss - before) / 1024 ** 2);
    }
    const grownMiB = Math.min(...grown);
    console.info(`${kind}: slowest of ${AT_ONCE} ${Math.round(slowest)} ms, ${grownMiB.toFixed(1)} MiB more`);
    expect(slowest).toBeLessThan(LONGEST_MS);
    expect(grownMiB).toBeLessThan(MOST_MIB);
  },
  240_000,
);
