import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { limitMs, SIZE_NOTE, sized } from './faults/size';
import { MemoryLimit, peakMemoryOf } from './kit/memory-limit';
import type { AppProcess, Environment } from './kit/processes';
import { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const MiB = 1024 * 1024;
/** `limits.memory` of every app: infrastructure/kubernetes/base, which scripts/manifests.spec.ts holds to this number. */
const LIMIT = 512 * MiB;
const ENTRIES = sized(9_000, 1_800);
const STREAMS = 12;

describe(`in as much memory as its manifest gives it${SIZE_NOTE}`, () => {
  let stack: Stack;
  const limits: MemoryLimit[] = [];
  const limited = () => {
    const limit = MemoryLimit.open(LIMIT);
    limits.push(limit);
    return limit.by;
  };
  /** Where there is no cgroup here, what Node and the gateway would make of one. */
  const told = (): Environment => (limits.every(({ isReal }) => isReal) ? {} : { NODE_OPTIONS: '--max-old-space-size=256', RING_BYTES: String(LIMIT / 8), BODIES_BYTES: String(LIMIT / 16) });

  beforeEach(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, gateways: 0, processors: 0 });
  }, 60_000);
  afterEach(async () => {
    await stack?.close();
    for (const limit of limits.splice(0)) limit.close();
  }, 60_000);

  const body = (id: number) => ({ tenant_id: 'bakery', service: 'inventory', severity: 'low', id: `large-${id}`, metadata: { text: 'x'.repeat(54_000) } });

  /** Publishes the entries, a few hundred ahead of what is stored: a queue of all of them would measure the broker. */
  async function publishAll(): Promise<void> {
    for (let from = 0; from < ENTRIES; from += 300) {
      await Promise.all(Array.from({ length: Math.min(300, ENTRIES - from) }, (_, i) => stack.amqp.publish('alert.low.inventory', body(from + i))));
      await stack.stored(Math.max(0, from - 300), 120_000);
    }
    await stack.stored(ENTRIES, 120_000);
  }

  async function hold(gateway: AppProcess, all: readonly AppProcess[]): Promise<void> {
    const heard = new Map<SseStream, number>();
    const open = (cursor?: string) => SseStream.open(stack.eventsUrl(gateway), { headers: { Authorization: `Bearer ${tokenFor('ana')}` }, ...(cursor && { cursor }) });
    const streams = await Promise.all(Array.from({ length: STREAMS }, () => open()));
    for (const stream of streams) await stream.frame('connection');
    const cursor = streams[0]!.frames.find(({ event }) => event === 'connection')!.id;
    await publishAll();
    await eventually(() => {
      for (const stream of streams) heard.set(stream, stream.frames.filter(({ data }) => data.includes('"large-')).length);
      expect([...heard.values()]).toEqual(streams.map(() => ENTRIES));
    }, 60_000);
    for (const stream of streams) stream.close();
    // and all of it once more, for those who come back to the beginning
    const again = await Promise.all(Array.from({ length: STREAMS }, () => open(cursor)));
    const expected = Math.min(ENTRIES, 5_000);
    await eventually(() => expect(again.map(({ frames }) => frames.filter(({ data }) => data.includes('"large-')).length >= expected || frames.some(({ data }) => data.includes('window_exceeded')))).toEqual(again.map(() => true)), 60_000);
    for (const stream of again) stream.close();
    await sleep(500);
    for (const app of all) {
      const peak = peakMemoryOf(app.pid);
      process.stdout.write(`  ${app.app}: ${Math.round(peak / MiB)} MiB at most, ${STREAMS} streams and ${ENTRIES} entries of 54 KB\n`);
      expect(peak).toBeLessThan(LIMIT);
      expect(app.unexpectedEnd).toBeUndefined();
    }
  }

  it('the gateway and the processor stay below it', async () => {
    const gateway = await stack.startGateway(told(), { by: limited() });
    const processor = await stack.startProcessor(told(), { by: limited() });
    await hold(gateway, [gateway, processor]);
  }, limitMs(200));

  it('so does the standalone on real services', async () => {
    const by = limited();
    const { TENANT_SERVICE_URL, TENANT_SERVICE_TOKEN, ...rest } = stack.gatewayEnvironment;
    const standalone = await stack.processes.start('standalone', { ...rest, TENANT_SERVICE_URL: TENANT_SERVICE_URL!, TENANT_SERVICE_TOKEN: TENANT_SERVICE_TOKEN!, ...told() }, { by });
    await hold(standalone, [standalone]);
  }, limitMs(200));
});
