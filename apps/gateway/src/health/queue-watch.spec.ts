import type { QueueDepth } from '@tocsin/contracts';
import { Metrics } from '@tocsin/observability';
import { QueueWatch } from './queue-watch';

const part = (kind: QueueDepth['kind'], messages: number): QueueDepth => ({
  queue: `alerts-${kind}`,
  kind,
  messages,
  includes_in_hand: true,
  oldest_at: null,
});

const depths = { read: jest.fn<Promise<QueueDepth[]>, []>(), isFull: jest.fn<Promise<boolean | null>, []>() };
let metrics: Metrics;
let watch: QueueWatch;
beforeEach(() => {
  depths.read.mockReset().mockResolvedValue([part('urgent', 0), part('common', 7)]);
  depths.isFull.mockReset().mockResolvedValue(false);
  metrics = new Metrics({ version: '1', commit: '', tenantLimit: 0 });
  watch = new QueueWatch(depths, metrics);
});
afterEach(() => {
  watch.stop();
  jest.useRealTimers();
});
const lines = async () =>
  (await metrics.registry.metrics()).split('\n').filter((line) => /^tocsin_(queue_messages|intake_blocked)/.test(line));

it('tells how many messages are in each part, and that the queue takes more', async () => {
  await watch.look();
  expect(await lines()).toEqual([
    'tocsin_queue_messages{queue="alerts-urgent",kind="urgent"} 0',
    'tocsin_queue_messages{queue="alerts-common",kind="common"} 7',
    'tocsin_intake_blocked 0',
  ]);
});

it('tells that a full queue takes none, until it has room again', async () => {
  depths.isFull.mockResolvedValueOnce(true);
  await watch.look();
  expect(await lines()).toContain('tocsin_intake_blocked 1');
  await watch.look();
  expect(await lines()).toContain('tocsin_intake_blocked 0');
});

it('reports nothing rather than stale numbers while the engine is away', async () => {
  await watch.look();
  depths.isFull.mockRejectedValueOnce(new Error('away'));
  await watch.look();
  expect(await lines()).toEqual([]);
  await watch.look();
  expect(await lines()).toHaveLength(3);
});

it('leaves an engine that tells by itself alone, and what it told', async () => {
  jest.useFakeTimers();
  depths.isFull.mockResolvedValue(null);
  metrics.intakeBlocked.set(1);
  watch.start();
  await jest.advanceTimersByTimeAsync(60_000);
  expect(depths.isFull).toHaveBeenCalledTimes(1);
  expect(depths.read).not.toHaveBeenCalled();
  expect(await lines()).toEqual(['tocsin_intake_blocked 1']);
});

it('reads at once and every 15 s, and no more once it is stopped', async () => {
  jest.useFakeTimers();
  watch.start();
  watch.start();
  expect(depths.isFull).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(14_999);
  expect(depths.isFull).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(depths.isFull).toHaveBeenCalledTimes(2);
  watch.stop();
  await jest.advanceTimersByTimeAsync(60_000);
  expect(depths.isFull).toHaveBeenCalledTimes(2);
});
