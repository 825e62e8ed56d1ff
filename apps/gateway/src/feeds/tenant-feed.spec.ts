import { setImmediate as turn } from 'node:timers/promises';
import { hintOf } from '@tocsin/contracts';
import { aTenant, eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics, NoTrace } from '@tocsin/observability';
import { FanOutSpans } from './fan-out-spans';
import { PositionChecks } from './position-checks';
import { RingBudget } from './ring';
import { TenantFeed } from './tenant-feed';
import { LogInMemory } from './testing/log-in-memory';

const tenant = aTenant('north');
const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
const logger = createLogger({ app: 'test', level: 'silent' });

/** The values of a metric by their labels, as `/metrics` shows them. */
async function shown(name: string): Promise<Map<string, number>> {
  const lines = (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(name));
  return new Map(
    lines.map((line) => {
      const [labels, value] = line.slice(name.length).split(' ');
      return [labels!, Number(value)];
    }),
  );
}

async function openFeed(joinMs = 0, ringBytes = 1e6) {
  const log = new LogInMemory();
  const [head] = await log.heads([tenant]);
  const feed = new TenantFeed(
    tenant,
    log,
    100,
    new RingBudget(ringBytes),
    metrics,
    logger,
    () => joinMs,
    new PositionChecks(log, logger),
    new FanOutSpans(new NoTrace()),
  );
  feed.startAt(head!);
  const delivered: number[] = [];
  const writes: number[][] = [];
  feed.join(
    {
      deliver: (_feed, { hints }) =>
        void (delivered.push(...hints.map(({ seq }) => seq)), writes.push(hints.map(({ seq }) => seq))),
      replaced: () => undefined,
    },
    feed.last,
  );
  return { log, feed, delivered, writes };
}

/** Makes the log answer the next read as it was when it had so many entries: as a database does when a query began. */
function answersOnceAsOf(log: LogInMemory, last: number): void {
  const answer = log.after.bind(log);
  jest
    .spyOn(log, 'after')
    .mockImplementationOnce(async (...asked) => (await answer(...asked)).filter(({ seq }) => seq <= last));
}

describe('a feed', () => {
  afterEach(() => void jest.useRealTimers());

  it('of a busy process writes the first entry at once, and those that follow it shortly together', async () => {
    // The test uses fake timers: on a busy machine the real clock does not stand still for long enough.
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const { log, feed, writes } = await openFeed(40);
    for (const event of log.put(tenant, 1)) feed.onHint(hintOf(event));
    await turn();
    expect(writes).toEqual([[1]]);
    for (const event of log.put(tenant, 3)) {
      jest.advanceTimersByTime(13);
      feed.onHint(hintOf(event));
      await turn();
    }
    expect(writes).toEqual([[1]]);
    jest.advanceTimersByTime(1);
    expect(writes).toEqual([[1], [2, 3, 4]]);
    feed.close();
  });

  it('that hints moved on during a read of the event log does not deliver the page again', async () => {
    const { log, feed, delivered } = await openFeed();
    const stored = log.put(tenant, 3);
    const letTheLogAnswer = log.pause();
    const confirmed = feed.confirm({ tenant_id: tenant, ...log.position(tenant, 3), floor_seq: 0 }, feed.mark());
    for (const event of stored) feed.onHint(hintOf(event));
    await eventually(() => expect(feed.last.seq).toBe(3));

    letTheLogAnswer();
    await confirmed;
    for (const event of log.put(tenant, 1)) feed.onHint(hintOf(event));

    await eventually(() => expect(delivered).toContain(4));
    expect(delivered).toEqual([1, 2, 3, 4]);
    feed.close();
  });

  it('is at the position that it confirmed, even when a read had begun before that position existed', async () => {
    const { log, feed, delivered } = await openFeed();
    log.put(tenant, 1);
    const letTheLogAnswer = log.pause();
    answersOnceAsOf(log, 1);
    const first = feed.confirm({ tenant_id: tenant, ...log.position(tenant, 1), floor_seq: 0 }, feed.mark());
    log.put(tenant, 1);
    const second = feed.confirm({ tenant_id: tenant, ...log.position(tenant, 2), floor_seq: 0 }, feed.mark());

    letTheLogAnswer();
    await Promise.all([first, second]);

    expect(feed.last.seq).toBe(2);
    await eventually(() => expect(delivered).toEqual([1, 2]));
    feed.close();
  });

  it('does not count a hint of its history as invalid for being further ahead than it can keep', async () => {
    const { log, feed, delivered } = await openFeed();
    const counted = await shown('tocsin_invalid_hints_total');
    const stored = log.put(tenant, 150);
    feed.onHint(hintOf(stored.at(-1)!));
    await eventually(() => expect(delivered).toHaveLength(150));
    expect(await shown('tocsin_invalid_hints_total')).toEqual(counted);
    feed.onHint({ ...hintOf(stored.at(-1)!), epoch: 'another' });
    expect(await shown('tocsin_invalid_hints_total')).not.toEqual(counted);
    feed.close();
  });

  it('counts what it reads from the log by its cause: a hint without data is no lost hint', async () => {
    const { log, feed, delivered } = await openFeed();
    const before = await shown('tocsin_stream_backfilled_events_total');
    expect([...before.keys()].sort()).toEqual(['{cause="check"}', '{cause="gap"}', '{cause="hint"}']);
    const read = async (cause: string) => {
      const now = await shown('tocsin_stream_backfilled_events_total');
      return now.get(`{cause="${cause}"}`)! - before.get(`{cause="${cause}"}`)!;
    };
    const [first] = log.put(tenant, 1);
    feed.onHint({ ...hintOf(first!), data: null });
    await eventually(() => expect(delivered).toHaveLength(1));
    expect([await read('hint'), await read('gap'), await read('check')]).toEqual([1, 0, 0]);
    const [, third] = log.put(tenant, 2);
    feed.onHint(hintOf(third!));
    await eventually(() => expect(delivered).toHaveLength(3));
    expect([await read('hint'), await read('gap'), await read('check')]).toEqual([1, 2, 0]);
    log.put(tenant, 1);
    await feed.check();
    expect([await read('hint'), await read('gap'), await read('check')]).toEqual([1, 2, 1]);
    feed.close();
  });

  it('reads once more for a hint without data that came while it was reading', async () => {
    const { log, feed, delivered } = await openFeed();
    const bare = (seq: number) => ({ ...hintOf(log.stored(tenant, seq)), data: null });
    log.put(tenant, 1);
    const letTheLogAnswer = log.pause();
    answersOnceAsOf(log, 1);
    feed.onHint(bare(1));
    log.put(tenant, 1);
    feed.onHint(bare(2));
    letTheLogAnswer();
    await eventually(() => expect(delivered).toEqual([1, 2]));
    // a hint that no entry follows does not make it read for ever
    const { after } = log.asked;
    feed.onHint({ ...bare(2), seq: 3 });
    feed.onHint({ ...bare(2), seq: 4 });
    await eventually(() => expect(log.asked.after).toBe(after + 2));
    await turn();
    expect(log.asked.after).toBe(after + 2);
    feed.close();
  });

  it('ends the filling of a ring that has no room for a page', async () => {
    const { log, feed } = await openFeed(0, 1_000);
    for (const event of log.put(tenant, 64)) feed.onHint(hintOf(event));
    await eventually(() => expect(feed.last.seq).toBe(64));
    const { after } = log.asked;
    await feed.reachBack(1);
    expect(log.asked.after).toBe(after + 1);
    feed.close();
  });

  it('that could not read up to a position does not say that it was checked', async () => {
    const { log, feed } = await openFeed();
    const before = feed.checkedAt;
    log.put(tenant, 1);
    const head = { tenant_id: tenant, ...log.position(tenant, 1), floor_seq: 0 };
    log.away = true;
    await eventually(() => expect(Date.now()).toBeGreaterThan(before));
    await feed.confirm(head, feed.mark());
    expect(feed.checkedAt).toBe(before);
    log.away = false;
    await feed.confirm(head, feed.mark());
    expect([feed.last.seq, feed.checkedAt > before]).toEqual([1, true]);
    feed.close();
  });
});

describe('a feed that receives hints that prove nothing', () => {
  const forged = (log: LogInMemory, seq: number, bytes = 100) => ({
    ...hintOf(log.put(aTenant(), 1)[0]!),
    epoch: log.position(tenant, 0).epoch,
    seq,
    data: Buffer.alloc(bytes, 'x'),
  });
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

  it.each<[string, (log: LogInMemory, i: number) => Parameters<TenantFeed['onHint']>[0]]>([
    ['messages that are none', () => undefined],
    ['numbers far ahead', (log) => forged(log, 1_000_000)],
    ['another epoch', (log) => ({ ...forged(log, 1), epoch: 'other' })],
  ])('reads the event log ten times a second at most: %s', async (_what, make) => {
    const { log, feed, delivered } = await openFeed();
    log.asked.heads = 0;
    const hints = Array.from({ length: 20 }, (_, i) => make(log, i));
    const since = performance.now();
    while (performance.now() - since < 1_000) {
      for (let i = 0; i < 50; i += 1) feed.onHint(hints[i % hints.length]);
      await pause(2);
    }
    await pause(150);
    expect(log.asked.heads).toBeGreaterThan(2);
    expect(log.asked.heads).toBeLessThanOrEqual(13);
    expect(log.asked.after).toBe(0);
    // The last hint also caused a read.
    log.put(tenant, 1);
    feed.onHint(undefined);
    await eventually(() => expect(delivered).toEqual([1]));
    feed.close();
  });

  it('stops reading for a hole that the event log cannot fill', async () => {
    const { log, feed } = await openFeed();
    for (let i = 0; i < 10; i += 1) feed.onHint(forged(log, 50 + i));
    await pause(300);
    expect(log.asked.after + log.asked.heads).toBeLessThanOrEqual(3);
    feed.close();
  });

  it('keeps a megabyte of early hints at most, and reads the rest from the event log', async () => {
    const { log, feed, delivered } = await openFeed();
    const stored = log.put(tenant, 60);
    const letTheLogAnswer = log.pause();
    for (const event of stored.slice(1)) feed.onHint({ ...hintOf(event), data: Buffer.alloc(512 * 1024, 'x') });
    await pause(50);
    expect((feed as unknown as { early: { bytes: number } }).early.bytes).toBeLessThanOrEqual(1_048_576);
    letTheLogAnswer();
    await eventually(() => expect(delivered).toHaveLength(60));
    feed.close();
  });
});
