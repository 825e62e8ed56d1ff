import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import type { Channel } from '@tocsin/contracts/wire';
import { FaultProxy } from '@tocsin/fault-proxy';
import type { SinkAnswer } from './delivery-sink';
import { limitMs, sized, SIZE_NOTE } from './size';
import { NotifierKit } from './notifier-kit';

const CHANNELS: Channel[] = ['webhook', 'sms'];
/** How many deliveries two notifiers share while one of them is suspended. */
const DELIVERIES = sized(10_000, 1_000);
/** A suspended process is suspended for longer than its leases, which are 30 s. */
const SUSPENDED_MS = sized(60_000, 32_000);
/** How long the sink takes, in milliseconds: at any moment some attempts are under way. */
const SINK_MS = 30;

describe('notifiers', () => {
  let kit: NotifierKit;
  beforeEach(async () => {
    kit = await NotifierKit.open();
    kit.sink.answer = async (): Promise<SinkAnswer> => {
      await sleep(SINK_MS);
      return 'accept';
    };
  }, 60_000);
  afterEach(() => kit?.close(), 60_000);
  const callsOf = ({ pid }: { pid: number }) => kit.sink.calls.filter((call) => call.pid === pid).length;
  const mostSeen = () => Math.max(...kit.sink.timesSeen().values());

  it(
    `of which one is suspended in the middle of a claim, for longer than its leases: nothing is lost, and no SMS is sent twice${SIZE_NOTE}`,
    async () => {
      await kit.plan(DELIVERIES / CHANNELS.length, CHANNELS, 20);
      const [suspended] = await Promise.all([kit.start(), kit.start()]);
      await eventually(() => expect(callsOf(suspended)).toBeGreaterThan(DELIVERIES / 20), 30_000);
      process.kill(suspended.pid, 'SIGSTOP');
      const held = await kit.claimed();
      await sleep(SUSPENDED_MS);
      process.kill(suspended.pid, 'SIGCONT');
      const rows = await kit.settled(120_000);

      expect(rows).toHaveLength(DELIVERIES);
      expect(kit.broken(rows)).toEqual([]);
      expect(Math.max(...kit.sink.timesSeen('sms').values())).toBe(1);
      expect(held).toBeGreaterThan(0);
      const twice = [...kit.sink.timesSeen('webhook').values()].filter((times) => times > 1).length;
      const unknown = rows.filter(({ status }) => status === 'unknown').length;
      process.stdout.write(
        `${rows.length} deliveries, one of two notifiers suspended for ${SUSPENDED_MS / 1000} s while ${held} were claimed: lost 0, SMS twice 0, webhooks twice ${twice}, SMS in doubt ${unknown}\n`,
      );
    },
    limitMs(SUSPENDED_MS / 1000 + 120),
  );

  it('of which one gets SIGTERM: it exits 0 within its drain, and each delivery is seen once', async () => {
    const [leaving, staying] = await Promise.all([kit.start(), kit.start()]);
    await kit.plan(300, CHANNELS);
    await eventually(() => expect(kit.sink.calls.some(({ pid }) => pid === leaving.pid)).toBe(true), 20_000);
    expect(await leaving.stop()).toEqual({ code: 0, signal: null });
    const rows = await kit.settled(30_000);
    expect(kit.broken(rows)).toEqual([]);
    expect(rows.every(({ status, attempts }) => status === 'sent' && attempts === 1)).toBe(true);
    expect(mostSeen()).toBe(1);
    expect(await staying.stop()).toEqual({ code: 0, signal: null });
  }, 120_000);

  it('that get SIGTERM while a provider is silent: attempts end with the drain, and an SMS is in doubt', async () => {
    kit.sink.answer = () => 'silent';
    const notifier = await kit.start('', { NOTIFIER_DRAIN_MS: '200' });
    await kit.plan(1, CHANNELS);
    await eventually(() => expect(kit.sink.calls).toHaveLength(2), 20_000);
    expect(await notifier.stop()).toEqual({ code: 0, signal: null });
    expect(new Map((await kit.rows()).map(({ channel, status }) => [channel, status]))).toEqual(
      new Map([
        ['webhook', 'pending'],
        ['sms', 'unknown'],
      ]),
    );
  }, 120_000);

  it('without Redis look for themselves: what is planned is sent in about a second', async () => {
    const redis = await FaultProxy.to(process.env.REDIS_URL!);
    try {
      redis.refuse();
      await kit.start('', { REDIS_URL: redis.via(process.env.REDIS_URL!) });
      for (let round = 1; round <= 3; round += 1) {
        const before = kit.sink.calls.length;
        await kit.plan(1, ['webhook']);
        await eventually(() => expect(kit.sink.calls.length).toBe(before + 1), 10_000);
      }
      expect(kit.broken(await kit.settled(10_000))).toEqual([]);
    } finally {
      await redis.close();
    }
  }, 120_000);

  it('whose database is away for seconds settle what they sent once it is back: each delivery is seen once', async () => {
    const database = await FaultProxy.to(kit.stack.database.url);
    try {
      await kit.start('', { DATABASE_URL: database.via(kit.stack.database.url) });
      await kit.plan(400, CHANNELS);
      await eventually(() => expect(kit.sink.calls.length).toBeGreaterThan(100), 20_000);
      database.refuse();
      database.cut();
      const atCut = kit.sink.calls.length;
      await sleep(3_000);
      // what was claimed is still sent, and nothing more
      expect(kit.sink.calls.length).toBeLessThan(atCut + 600);
      database.refuse(false);
      const rows = await kit.settled(90_000);
      expect(kit.broken(rows)).toEqual([]);
      expect(Math.max(...kit.sink.timesSeen('sms').values())).toBe(1);
    } finally {
      await database.close();
    }
  }, 180_000);
});
