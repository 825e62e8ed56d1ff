import type { Doorbell } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { Begins } from './begins';
import { Breakers } from './breakers';
import type { DeliveryChannel } from './channels/delivery-channel';
import { Deliver } from './deliver';
import { DueDeliveries } from './due-deliveries';
import { InHand } from './in-hand';
import { Settlements } from './settlements';
import { ChannelByHand, SENT } from './testing/channel-by-hand';
import { aDelivery, away, MemoryQueue } from './testing/memory-queue';

const log = createLogger({ app: 'test', level: 'silent' });
const many = (count: number, more: object = {}) => Array.from({ length: count }, () => aDelivery(more));

describe('due deliveries', () => {
  let queue: MemoryQueue;
  let metrics: Metrics;
  let due: DueDeliveries | undefined;
  let ring: () => void;
  let now: () => number;
  const doorbell: Doorbell = {
    ring: async () => ring(),
    onRing: async (listener) => {
      ring = listener;
      return { close: () => void (ring = () => undefined) };
    },
  };
  beforeEach(() => {
    queue = new MemoryQueue();
    metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
    ring = () => undefined;
    now = () => performance.now();
  });
  afterEach(() => due?.stop());
  const start = (channels: DeliveryChannel[], drainMs = 1_000): DueDeliveries => {
    const inHand = new InHand(queue, log, () => now());
    due = new DueDeliveries(
      channels,
      doorbell,
      {
        queue,
        deliver: new Deliver(new Breakers(metrics, log), metrics, log),
        inHand,
        begins: new Begins(queue, inHand, log),
        settlements: new Settlements(queue, log),
        metrics,
        log,
      },
      { drainMs },
    );
    due.start();
    return due;
  };
  const counted = async (name: 'deliveries' | 'attempts', labels: object) => {
    const text = await metrics.registry.metrics();
    const of = { deliveries: 'tocsin_deliveries_total', attempts: 'tocsin_delivery_attempts_total' }[name];
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const line = text.split('\n').find((one) => one.startsWith(`${of}{`) && wanted.every((part) => one.includes(part)));
    return Number(line?.split(' ').at(-1));
  };
  const settledAll = () => eventually(() => expect(queue.unsettled).toBe(0));

  it('are sent once each, by as many attempts at a time as the channel allows, and counted', async () => {
    const channel = new ChannelByHand({ concurrency: 3 });
    queue.add(...many(8));
    start([channel]);
    await eventually(() => expect(channel.under).toHaveLength(3));
    while (channel.sent.length < 8 || channel.under.length > 0) {
      channel.under[0]?.end({ outcome: 'sent', provider_id: 'p' });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settledAll();
    expect([new Set(channel.sent.map(({ delivery_id }) => delivery_id)).size, channel.sent.length]).toEqual([8, 8]);
    expect(channel.most).toBe(3);
    expect(queue.settlements[0]).toMatchObject({ outcome: 'sent', attempt: 1, provider_id: 'p' });
    expect(await counted('deliveries', { channel: 'webhook', outcome: 'sent' })).toBe(8);
    expect(await counted('attempts', { channel: 'webhook', outcome: 'sent' })).toBe(8);
  });

  it('are claimed ahead, more while that is soon used up, and 500 at most', async () => {
    queue.add(...many(5_000));
    start([new ChannelByHand({ concurrency: 8, answer: SENT })]);
    await settledAll();
    const asked = queue.claims.filter(({ got }) => got > 0).map(({ atMost }) => atMost);
    expect(asked[0]).toBe(16);
    expect(Math.max(...asked)).toBeGreaterThan(400);
    expect(Math.max(...asked)).toBeLessThanOrEqual(508);
  });

  describe('that may be sent only once', () => {
    const onePlace = (concurrency: number) =>
      new ChannelByHand({ channel: 'sms', promise: 'at_most_once', concurrency });
    const begun = () => [...queue.rows.values()].filter((row) => row.begun).length;

    it('are on record as begun just before they are sent, those of a turn in one call, and no other is', async () => {
      const channel = onePlace(2);
      queue.add(...many(6, { channel: 'sms' }));
      start([channel]);
      await eventually(() => expect(channel.under).toHaveLength(2));
      expect([queue.claims[0], queue.begins, begun()]).toEqual([{ channel: 'sms', atMost: 4, got: 4 }, [2], 2]);
      channel.under[0]!.end({ outcome: 'sent' });
      await eventually(() => expect(channel.sent).toHaveLength(3));
      expect(begun()).toBe(2);
      channel.answer = SENT;
      for (const under of [...channel.under]) under.end({ outcome: 'sent' });
      await settledAll();
      expect(channel.sent.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1]);
    });

    it('are not sent when they were cancelled between the claim and the call', async () => {
      const channel = onePlace(1);
      queue.add(...many(2, { channel: 'sms' }));
      start([channel]);
      await eventually(() => expect(channel.under).toHaveLength(1));
      const [, waiting] = [...queue.rows.values()];
      waiting!.status = 'cancelled';
      channel.under[0]!.end({ outcome: 'sent' });
      await eventually(() => expect(queue.begins).toEqual([1, 1]));
      await settledAll();
      expect(channel.sent).toHaveLength(1);
    });

    it.each([
      ['the store is away', () => void (queue.trouble = away())],
      ['the process was suspended meanwhile', () => void (now = () => performance.now() + 26_000)],
    ])('are given back and not sent when %s as they are begun', async (_, trouble) => {
      const channel = onePlace(1);
      const [sms] = many(1, { channel: 'sms' });
      queue.add(sms!);
      const begin = queue.begin.bind(queue);
      queue.begin = async (held, leaseMs) => {
        const lost = await begin(held, leaseMs);
        queue.begin = begin;
        trouble();
        if (queue.trouble) throw queue.trouble;
        return lost;
      };
      const sentAtSettlements: number[] = [];
      const settle = queue.settle.bind(queue);
      queue.settle = async (settlements) => {
        const settled = await settle(settlements);
        sentAtSettlements.push(channel.sent.length);
        return settled;
      };
      start([channel]);
      await eventually(() => expect(begun()).toBe(1));
      queue.trouble = undefined;
      await eventually(() => expect(channel.under).toHaveLength(1));
      expect(sentAtSettlements).toEqual([0]);
      expect(queue.settlements).toMatchObject([{ outcome: 'released', attempt: 1 }]);
      channel.under[0]!.end({ outcome: 'sent' });
      await settledAll();
      expect(channel.sent).toMatchObject([{ delivery_id: sms!.delivery_id, attempt: 1 }]);
    });
  });

  it('are looked for when the doorbell rings, and within about a second without a ring', async () => {
    const channel = new ChannelByHand({ answer: SENT });
    start([channel]);
    await eventually(() => expect(queue.claims).toHaveLength(1));
    queue.add(aDelivery());
    const rungAt = performance.now();
    ring();
    await settledAll();
    expect(performance.now() - rungAt).toBeLessThan(500);

    const added = performance.now();
    queue.add(aDelivery());
    await settledAll();
    expect(performance.now() - added).toBeLessThan(2_500);
  });

  it('of a dead provider hold no place of another channel', async () => {
    const dead = new ChannelByHand({ channel: 'email', concurrency: 2 });
    const alive = new ChannelByHand({ channel: 'webhook', concurrency: 2, answer: SENT });
    queue.add(...many(50, { channel: 'email' }), ...many(50));
    start([dead, alive]);
    await eventually(() => expect(alive.sent).toHaveLength(50));
    expect(dead.under).toHaveLength(2);
    await due!.stop();
  });

  it('are settled together: one call for what ends in one turn', async () => {
    const channel = new ChannelByHand({ concurrency: 100 });
    queue.add(...many(100));
    start([channel]);
    await eventually(() => expect(channel.under).toHaveLength(100));
    for (const under of [...channel.under]) under.end({ outcome: 'sent' });
    await settledAll();
    expect(queue.settleCalls).toEqual([100]);
  });

  it('wait for the store: what was sent is settled once it is back, and nothing is claimed meanwhile', async () => {
    const channel = new ChannelByHand({ concurrency: 5 });
    queue.add(...many(20));
    start([channel]);
    await eventually(() => expect(channel.under).toHaveLength(5));
    queue.trouble = away();
    for (const under of [...channel.under]) under.end({ outcome: 'sent' });
    await eventually(() => expect(channel.under).toHaveLength(5));
    const sent = channel.sent.length;
    const claims = queue.claims.length;
    ring();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([channel.sent.length, queue.claims.length]).toEqual([sent, claims]);

    queue.trouble = undefined;
    channel.answer = SENT;
    for (const under of [...channel.under]) under.end({ outcome: 'sent' });
    await settledAll();
    expect(channel.sent).toHaveLength(20);
  });

  it('are not begun when their lease is nearly over: a suspended process gives them back', async () => {
    const channel = new ChannelByHand({ concurrency: 1, answer: undefined });
    queue.add(...many(4));
    start([channel]);
    await eventually(() => expect(channel.under).toHaveLength(1));
    const held = queue.claims.reduce((sum, { got }) => sum + got, 0);
    expect(held).toBeGreaterThan(1);
    // the clock goes on while the process is suspended
    now = () => performance.now() + 26_000;
    channel.under[0]!.end({ outcome: 'sent' });
    const releasedNow = () => queue.settlements.filter(({ outcome }) => outcome === 'released');
    await eventually(() => expect(releasedNow()).toHaveLength(held - 1));
    // they are claimed again, as their first attempt
    channel.answer = SENT;
    for (const under of [...channel.under]) under.end({ outcome: 'sent' });
    await settledAll();
    expect(releasedNow()).toHaveLength(held - 1);
    expect(channel.sent.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
  });

  it('that another worker has are not begun', async () => {
    const channel = new ChannelByHand({ concurrency: 1 });
    queue.add(...many(2));
    start([channel]);
    await eventually(() => expect(channel.under).toHaveLength(1));
    const waiting = [...queue.rows.values()].find(
      ({ delivery }) => delivery.delivery_id !== channel.sent[0]!.delivery_id,
    )!;
    waiting.attempt += 1;
    const held = (due as unknown as { parts: { inHand: InHand } }).parts.inHand;
    await held.extend();
    channel.under[0]!.end({ outcome: 'sent' });
    await eventually(() => expect(queue.settleCalls.length).toBeGreaterThan(0));
    await due!.stop();
    expect(channel.sent).toHaveLength(1);
    expect(waiting.status).toBe('pending');
  });

  it('are left to others at the end: what is not begun is given back at once, attempts end and are settled', async () => {
    const channel = new ChannelByHand({ concurrency: 2 });
    queue.add(...many(6));
    start([channel]);
    await eventually(() => expect(channel.under).toHaveLength(2));
    const stopped = due!.stop();
    await eventually(() => expect(queue.settlements.every(({ outcome }) => outcome === 'released')).toBe(true));
    await new Promise((resolve) => setImmediate(resolve));
    for (const under of [...channel.under]) under.end({ outcome: 'sent' });
    await stopped;
    await due!.stop();
    expect(queue.settlements.filter(({ outcome }) => outcome === 'sent')).toHaveLength(2);
    expect([channel.sent.length, channel.closed, queue.unsettled]).toEqual([2, 1, 4]);
    expect([...queue.rows.values()].filter(({ begun }) => begun)).toEqual([]);
  });

  it('under way are aborted when the drain is over, and settled as what they are then', async () => {
    const channel = new ChannelByHand({ channel: 'sms', promise: 'at_most_once', concurrency: 1 });
    queue.add(aDelivery({ channel: 'sms' }));
    start([channel], 50);
    await eventually(() => expect(channel.under).toHaveLength(1));
    await due!.stop();
    expect(queue.settlements).toMatchObject([{ outcome: 'unknown', reason: 'timeout' }]);
    expect(await counted('deliveries', { channel: 'sms', outcome: 'unknown' })).toBe(1);
  });
});
