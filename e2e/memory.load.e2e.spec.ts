import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { ByteFollower } from './kit/byte-follower';
import { describeWhole, limitMs, SIZE_NOTE, sized } from './faults/size';
import { MemoryLimit, peakMemoryOf } from './kit/memory-limit';
import type { AppProcess, Environment } from './kit/processes';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const MiB = 1024 * 1024;
/** `limits.memory` of every app: infrastructure/kubernetes/base, which scripts/manifests.spec.ts holds to this number. */
const LIMIT = 512 * MiB;
const ENTRIES = sized(9_000, 1_200);
const STREAMS = 12;
const REPLAYED = sized(1_500, 800);

describe(`in as much memory as its manifest gives it${SIZE_NOTE}`, () => {
  let stack: Stack;
  const limits: MemoryLimit[] = [];
  const followers: ByteFollower[] = [];
  const limited = () => {
    const limit = MemoryLimit.open(LIMIT);
    limits.push(limit);
    return limit.by;
  };
  /** Where there is no cgroup here, what Node and the gateway would make of one. */
  const told = (): Environment =>
    limits.every(({ isReal }) => isReal)
      ? {}
      : { NODE_OPTIONS: '--max-old-space-size=256', RING_BYTES: String(LIMIT / 8), BODIES_BYTES: String(LIMIT / 16) };

  beforeEach(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, gateways: 0, processors: 0 });
  }, 60_000);
  afterEach(async () => {
    for (const follower of followers.splice(0)) follower.stop();
    await stack?.close();
    for (const limit of limits.splice(0)) limit.close();
  }, 60_000);

  const body = (id: number) => ({
    tenant_id: 'bakery',
    service: 'inventory',
    severity: 'low',
    id: `large-${id}`,
    metadata: { text: 'x'.repeat(54_000) },
  });

  /** Publishes the entries, a few hundred ahead of what is stored: a queue of all of them would measure the broker. */
  async function publishAll(): Promise<void> {
    for (let from = 0; from < ENTRIES; from += 300) {
      await Promise.all(
        Array.from({ length: Math.min(300, ENTRIES - from) }, (_, i) =>
          stack.amqp.publish('alert.low.inventory', body(from + i)),
        ),
      );
      await stack.stored(Math.max(0, from - 300), 120_000);
    }
    await stack.stored(ENTRIES, 120_000);
  }

  async function hold(gateway: AppProcess, all: readonly AppProcess[]): Promise<void> {
    const first = await stack.watch('ana', { gateway });
    const cursor = first.frames.find(({ event }) => event === 'connection')!.id;
    first.close();
    const follow = (from?: string) =>
      Array.from({ length: STREAMS }, () => new ByteFollower(stack.eventsUrl(gateway), tokenFor('ana'), from));
    const streams = follow(cursor);
    followers.push(...streams);
    await publishAll();
    await eventually(() => expect(streams.map(({ seen }) => seen.size)).toEqual(streams.map(() => ENTRIES)), 120_000);
    for (const stream of streams) stream.stop();
    // and all that may be replayed of it once more, for those who come back from long ago
    const [{ fp, epoch } = { fp: '', epoch: '' }] = await stack.sql<{ fp: string; epoch: string }>(
      'select e.fp, s.epoch from tocsin.event e join tocsin.tenant_stream s using (tenant_id) where e.seq = $1',
      [Math.max(1, ENTRIES - REPLAYED)],
    );
    const again = follow(`${epoch}-${Math.max(1, ENTRIES - REPLAYED)}-${fp}`);
    followers.push(...again);
    const expected = Math.min(ENTRIES - 1, REPLAYED);
    await eventually(() => expect(again.map(({ seen }) => seen.size)).toEqual(again.map(() => expected)), 200_000);
    await sleep(500);
    for (const follower of followers.splice(0)) follower.stop();
    for (const app of all) {
      const peak = peakMemoryOf(app.pid);
      process.stdout.write(
        `  ${app.app}: ${Math.round(peak / MiB)} MiB at most, ${STREAMS} streams and ${ENTRIES} entries of 54 KB\n`,
      );
      expect(peak).toBeLessThan(LIMIT);
      expect(app.unexpectedEnd).toBeUndefined();
    }
  }

  it(
    'the gateway and the processor stay below it',
    async () => {
      const gateway = await stack.startGateway(told(), { by: limited() });
      const processor = await stack.startProcessor(told(), { by: limited() });
      await hold(gateway, [gateway, processor]);
    },
    limitMs(300),
  );

  describeWhole('as one process', () => {
    it(
      'so does the standalone on real services',
      async () => {
        const by = limited();
        const standalone = await stack.processes.start(
          'standalone',
          { ...stack.gatewayEnvironment, LOG_LEVEL: 'info', ...told() },
          { by },
        );
        await hold(standalone, [standalone]);
      },
      limitMs(300),
    );
  });
});
