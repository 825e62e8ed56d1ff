import { Unavailable } from '@tocsin/contracts';
import type { Delivery, ReceivedMessage } from '@tocsin/contracts/ports';
import {
  anAlert,
  describeAlertIntake,
  describeQueueDepths,
  eventually,
  ListenerByHand,
} from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { describeAlertSource } from '@tocsin/messages/testing';
import { OwnRedis, redisUrl } from '../testing/own-redis';
import { StreamIntake, StreamRawIntake } from './alert-intake.streams';
import { StreamSource } from './alert-source.streams';
import { weaknessesOf } from './durability';
import { StreamQueueDepths } from './queue-depths.streams';
import { GROUP, StreamQueue, TAKE_OVER_AFTER_MS } from './stream-queue';

const LIMIT = 10_000;

async function openStreams() {
  const redis = new OwnRedis();
  const queue = new StreamQueue(redis.connection(), redis.prefix);
  const sources: StreamSource[] = [];
  return {
    redis,
    queue,
    intake: new StreamIntake(queue, LIMIT),
    async source(url = redisUrl()) {
      const source = new StreamSource(queue, { url, prefetch: 2_000, consumeTimeoutMs: 200 });
      sources.push(source);
      return source;
    },
    async close() {
      await Promise.all(sources.map((source) => source.stop()));
      await redis.close();
    },
  };
}

describeAlertSource('Redis Streams', { open: openStreams });

describeAlertIntake('Redis Streams', {
  async open(messages) {
    const opened = await openStreams();
    const key = opened.queue.key('common');
    return {
      ...opened,
      intake: new StreamIntake(opened.queue, messages),
      raw: new StreamRawIntake(opened.queue, messages),
      async drain() {
        const entries = await opened.redis.plain.xrange(key, '-', '+');
        await opened.redis.plain.del(key);
        return entries.map(([, fields]) => idOf(Buffer.from(fields[fields.indexOf('body') + 1]!)));
      },
    };
  },
  async away() {
    const redis = new OwnRedis();
    const queue = new StreamQueue(redis.connection('redis://127.0.0.1:1'), redis.prefix);
    return {
      intake: new StreamIntake(queue, LIMIT),
      raw: new StreamRawIntake(queue, LIMIT),
      close: () => redis.close(),
    };
  },
});

describeQueueDepths('Redis Streams', {
  async open() {
    const opened = await openStreams();
    return { ...opened, depths: new StreamQueueDepths(opened.queue, LIMIT) };
  },
  includesInHand: true,
  knowsAge: true,
  isBounded: true,
});

describe('the queue in Redis Streams', () => {
  let opened: Awaited<ReturnType<typeof openStreams>>;
  beforeEach(async () => (opened = await openStreams()));
  afterEach(() => opened?.close());

  const lengthOf = (kind: 'urgent' | 'common' | 'suspects' | 'given_up') =>
    opened.redis.plain.xlen(opened.queue.key(kind));
  /** Takes the waiting messages as a process that is killed before it settles them, and long enough ago. */
  const takeAndDie = async (kind: 'common' | 'suspects') => {
    const { plain } = opened.redis;
    const key = opened.queue.key(kind);
    await opened.queue.prepare(kind);
    const answer = (await plain.xreadgroup('GROUP', GROUP, 'dead', 'COUNT', 100, 'STREAMS', key, '>')) as [
      string,
      [string, string[]][],
    ][];
    const ids = answer[0]![1].map(([id]) => id);
    await plain.call('XCLAIM', key, GROUP, 'dead', 0, ...ids, 'IDLE', TAKE_OVER_AFTER_MS, 'JUSTID');
    return ids;
  };

  it('takes over what a dead consumer held, counts that it came back, and leaves nothing behind', async () => {
    await opened.intake.publish([anAlert({ severity: 'low' }), anAlert({ severity: 'low' })]);
    await takeAndDie('common');
    const seen: Delivery[] = [];
    await (await opened.source()).consume(settle((delivery) => seen.push(delivery)));
    await eventually(() => expect(seen).toHaveLength(2));
    expect(seen).toMatchObject([
      { returns: 1, message: { redelivered: true } },
      { returns: 1, message: { redelivered: true } },
    ]);
    await eventually(async () => expect(await lengthOf('common')).toBe(0));
    expect(await opened.redis.plain.xpending(opened.queue.key('common'), GROUP)).toEqual([0, null, null, null]);
  });

  it('leaves to a living consumer what it holds for longer than that time', async () => {
    await opened.intake.publish([anAlert({ severity: 'low' })]);
    const holding = new ListenerByHand();
    await (await opened.source()).consume(({ kind }) => (kind === 'common' ? holding : new ListenerByHand()));
    await eventually(() => expect(holding.deliveries).toHaveLength(1));
    const key = opened.queue.key('common');
    const idle = async () => ((await opened.redis.plain.xpending(key, GROUP, '-', '+', 1)) as unknown[][])[0]![2];
    const { id } = holding.deliveries[0] as Delivery & { id: string };
    const consumer = ((await opened.redis.plain.xpending(key, GROUP, '-', '+', 1)) as string[][])[0]![1]!;
    // as if most of the time had gone by; without a refresh another consumer would take it over soon
    await opened.redis.plain.call('XCLAIM', key, GROUP, consumer, 0, id, 'IDLE', TAKE_OVER_AFTER_MS - 5_000, 'JUSTID');
    await eventually(async () => expect(await idle()).toBeLessThan(1_000));
    expect(holding.deliveries).toHaveLength(1);
  });

  it('tells apart two messages without an id that have the same place in their streams, also as suspects', async () => {
    const { plain } = opened.redis;
    for (const kind of ['urgent', 'common'] as const)
      await plain.xadd(opened.queue.key(kind), '5-1', 'body', '{}', 'routing_key', 'alert.low.x');
    await opened.queue.prepare('common');
    await opened.queue.move('common', 'suspects', '5-1');
    const ids: unknown[] = [];
    await (await opened.source()).consume(settle(({ message }) => ids.push(message.message_id)));
    await eventually(() => expect(ids).toHaveLength(2));
    expect(ids.sort()).toEqual(['common-5-1', 'urgent-5-1']);
  });

  it('gives a suspect up that came back five times, with its bytes and the id of its message', async () => {
    const { plain } = opened.redis;
    const body = Buffer.from([0x7b, 0xff, 0x00]);
    const id = await plain.xadd(opened.queue.key('common'), '*', 'body', body, 'routing_key', 'alert.low.x');
    await opened.queue.prepare('common');
    await opened.queue.move('common', 'suspects', id!);
    const [suspect] = await takeAndDie('suspects');
    await plain.call(
      ...(['XCLAIM', opened.queue.key('suspects'), GROUP, 'dead', 0, suspect!] as const),
      ...['IDLE', TAKE_OVER_AFTER_MS, 'RETRYCOUNT', 5, 'JUSTID'],
    );
    const listeners = new Map<string, ListenerByHand>();
    await (
      await opened.source()
    ).consume(({ kind }) => {
      const listener = new ListenerByHand((delivery, session) => session.acknowledge(delivery));
      listeners.set(kind, listener);
      return listener;
    });
    await eventually(() => expect(listeners.get('given_up')!.deliveries).toHaveLength(1));
    expect(listeners.get('suspects')!.deliveries).toEqual([]);
    expect(listeners.get('given_up')!.deliveries[0]!.message).toMatchObject({
      body,
      routing_key: 'alert.low.x',
      message_id: `common-${id}`,
    });
  });

  it('reads what a service adds by XADD: other fields are headers, and stream and entry name a message without an id', async () => {
    const id = await opened.redis.plain.xadd(
      opened.queue.key('urgent'),
      '*',
      ...['body', '{"a":1}', 'content_type', 'application/json', 'timestamp', '1767323045', 'traceparent', '00-a-b-01'],
    );
    const seen: ReceivedMessage[] = [];
    await (await opened.source()).consume(settle(({ message }) => seen.push(message)));
    await eventually(() => expect(seen).toHaveLength(1));
    expect(seen[0]).toEqual({
      body: Buffer.from('{"a":1}'),
      message_id: `urgent-${id}`,
      content_type: 'application/json',
      timestamp: 1_767_323_045,
      headers: { traceparent: '00-a-b-01' },
      redelivered: false,
    });
  });

  it('publishes a message again unchanged', async () => {
    const message = {
      body: Buffer.from([1, 0, 255]),
      routing_key: 'alert.urgent.till',
      message_id: 'm-1',
      timestamp: 1_767_323_045,
      content_encoding: 'gzip',
      headers: { reason: 'invalid_json', tries: 2 },
    };
    expect(await new StreamRawIntake(opened.queue, LIMIT).republish([message])).toEqual([
      { id: 'm-1', outcome: 'confirmed' },
    ]);
    const seen = new Map<string, ReceivedMessage>();
    await (await opened.source()).consume(({ kind }) => settle(({ message }) => seen.set(kind, message))());
    await eventually(() => expect(seen.size).toBe(1));
    expect(seen.get('urgent')).toEqual({
      ...message,
      headers: { reason: 'invalid_json', tries: '2' },
      redelivered: false,
    });
  });

  it('refuses what would exceed its bound, whole, and takes messages again when there is room', async () => {
    const intake = new StreamIntake(opened.queue, 3);
    await intake.publish([anAlert(), anAlert()]);
    await expect(intake.publish([anAlert(), anAlert()])).rejects.toMatchObject({
      name: 'QueueFull',
      role: 'queue',
      message: 'The queue is full.',
    });
    expect((await lengthOf('urgent')) + (await lengthOf('common'))).toBe(2);
    await (await opened.source()).consume(settle(() => undefined));
    await eventually(() => intake.publish([anAlert(), anAlert()]));
  });

  it('is full when it has no room for the largest batch', async () => {
    const depths = new StreamQueueDepths(opened.queue, 502);
    const batch = (count: number) => Array.from({ length: count }, () => anAlert());
    await opened.intake.publish([anAlert({ severity: 'urgent' }), anAlert({ severity: 'low' })]);
    expect(await depths.isFull()).toBe(false);
    await opened.intake.publish(batch(1));
    expect(await depths.isFull()).toBe(true);
    await expect(new StreamIntake(opened.queue, 502).publish(batch(500))).rejects.toThrow('The queue is full.');
  });

  it('goes on after Redis has lost its data, and after its connections were silent', async () => {
    const proxy = await FaultProxy.to(redisUrl());
    const seen: string[] = [];
    const source = await opened.source(proxy.via(redisUrl()));
    await source.consume(settle(({ message }) => seen.push(idOf(message.body))));
    const { plain } = opened.redis;
    await plain.del(...(await plain.keys(`${opened.redis.prefix}queue:*`)));
    const first = anAlert();
    await opened.intake.publish([first]);
    await eventually(() => expect(seen).toEqual([first.id]));
    proxy.silence();
    await eventually(() => expect(source.consuming).toBe(false));
    proxy.silence(false);
    await eventually(() => expect(source.consuming).toBe(true));
    const second = anAlert();
    await opened.intake.publish([second]);
    await eventually(() => expect(seen).toEqual([first.id, second.id]), 15_000);
    await source.stop();
    await proxy.close();
  });

  it('confirms nothing that too few replicas have, although it is in the queue', async () => {
    const waiting = new StreamQueue(opened.redis.connection(), opened.redis.prefix, 1);
    await expect(new StreamIntake(waiting, LIMIT).publish([anAlert({ severity: 'low' })])).rejects.toMatchObject({
      name: 'Unavailable',
      message: 'Too few replicas of Redis have the messages.',
    });
    expect(await lengthOf('common')).toBe(1);
  });

  it('is unavailable while Redis is away', async () => {
    const away = new StreamQueue(opened.redis.connection('redis://127.0.0.1:1'), opened.redis.prefix);
    await expect(new StreamIntake(away, LIMIT).publish([anAlert()])).rejects.toBeInstanceOf(Unavailable);
    const source = new StreamSource(away, { url: 'redis://127.0.0.1:1', prefetch: 10, consumeTimeoutMs: 200 });
    await expect(source.consume(() => new ListenerByHand())).rejects.toBeInstanceOf(Unavailable);
    expect(source.consuming).toBe(false);
  });

  it('says what is weak about the durability of Redis, and what is not known', async () => {
    const configured = (pairs: string[]) => ({ config: () => Promise.resolve(pairs), info: () => Promise.resolve('') });
    const refused = (info: string) => ({
      config: () => Promise.reject(new Error('ERR unknown command')),
      info: () => Promise.resolve(info),
    });
    const said = (client: object) => weaknessesOf(client as never);
    const safe = ['appendonly', 'yes', 'appendfsync', 'always', 'maxmemory-policy', 'noeviction'];
    expect(await said(configured(safe))).toEqual([]);
    expect(
      await said(configured(['appendonly', 'no', 'appendfsync', 'everysec', 'maxmemory-policy', 'allkeys-lru'])),
    ).toEqual([expect.stringContaining('appendonly no'), expect.stringContaining('allkeys-lru')]);
    expect(
      await said(configured(['appendonly', 'yes', 'appendfsync', 'everysec', 'maxmemory-policy', 'noeviction'])),
    ).toEqual([expect.stringContaining('appendfsync is everysec')]);
    expect(await said(refused('aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n'))).toEqual([
      'Redis does not tell appendfsync: how durable the queue is, is not known',
    ]);
    expect(await said(refused(''))).toEqual([
      'Redis does not tell appendonly, appendfsync, maxmemory-policy: how durable the queue is, is not known',
    ]);
  });
});

/** Acknowledges everything that is delivered. */
const settle = (onDelivery: (delivery: Delivery) => void) => () =>
  new ListenerByHand((delivery, session) => {
    onDelivery(delivery);
    session.acknowledge(delivery);
  });

const idOf = (body: Buffer): string => (JSON.parse(body.toString()) as { id: string }).id;
