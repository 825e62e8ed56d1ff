import { randomUUID } from 'node:crypto';
import { tenantIdOf, type StreamHolder } from '@tocsin/contracts';
import { describeStreamSlots, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import type { RedisStreamSlots } from './stream-slots.redis';
import { OwnRedis, redisUrl } from './testing/own-redis';

const LIFETIME_MS = 600;

describeStreamSlots('Redis', {
  lifetimeMs: LIFETIME_MS,
  async open() {
    const redis = new OwnRedis();
    const first = redis.connection();
    const gateways = [
      redis.slots({ connection: first, lifetimeMs: LIFETIME_MS }),
      redis.slots({ lifetimeMs: LIFETIME_MS }),
    ] as const;
    // a killed process sends nothing more: no heartbeat and no release
    return { gateways, crashFirst: () => first.close(), close: () => redis.close() };
  },
});

describe('stream slots in Redis', () => {
  const limits = { user: 2, tenant: 0, address: 0 };
  let redis: OwnRedis;
  let proxy: FaultProxy;
  beforeEach(async () => {
    redis = new OwnRedis();
    proxy = await FaultProxy.to(redisUrl());
  });
  afterEach(async () => {
    await redis.close();
    await proxy.close();
  });
  const aStream = (user: string): StreamHolder => ({ user, tenant_ids: [tenantIdOf('acme')!], address: '192.0.2.1' });
  const cutOff = (lifetimeMs?: number) =>
    redis.slots({ connection: redis.connection(proxy.via(redisUrl())), lifetimeMs });
  const decidedAlone = async () => (await redis.metrics.streamSlotsLocal.get()).values[0]?.value ?? 0;
  const gatewayKeys = () => redis.plain.keys(`${redis.prefix}gateway:*`);
  /** The counts of a user in Redis: the fields of living gateways. */
  const countOf = async (user: string) => {
    const [alive, counts] = [await gatewayKeys(), await redis.plain.hgetall(`${redis.prefix}streams:user:${user}`)];
    return Object.entries(counts).reduce(
      (sum, [id, count]) => sum + (alive.includes(`${redis.prefix}gateway:${id}`) ? Number(count) : 0),
      0,
    );
  };

  async function take(slots: RedisStreamSlots, user: string): Promise<StreamHolder> {
    const stream = aStream(user);
    expect(await slots.take(stream, limits)).toBe('taken');
    return stream;
  }

  it('leave nothing behind when all are released, and expire when they are not released', async () => {
    const [user, slots] = [randomUUID(), redis.slots()];
    const streams = [await take(slots, user), await take(slots, user)];
    expect(await redis.plain.pttl(`${redis.prefix}streams:user:${user}`)).toBeGreaterThan(60_000);
    expect(await redis.plain.pttl((await gatewayKeys())[0]!)).toBeLessThanOrEqual(6_000);

    for (const stream of streams) slots.release(stream);

    await eventually(async () => expect(await redis.plain.keys(`${redis.prefix}streams:*`)).toEqual([]));
  });

  it('lose what a dead gateway held with the next take', async () => {
    const user = randomUUID();
    await redis.plain.hset(`${redis.prefix}streams:user:${user}`, 'dead', 2, 'also-dead', 7);
    await take(redis.slots(), user);
    expect(Object.values(await redis.plain.hgetall(`${redis.prefix}streams:user:${user}`))).toEqual(['1']);
  });

  it('that are asked for in one moment are given out one by one, each decided for itself', async () => {
    const [user, other, slots] = [randomUUID(), randomUUID(), redis.slots()];
    const asked = [user, other, user, user, other, other, user].map((one) => slots.take(aStream(one), limits));
    expect(await Promise.all(asked)).toEqual([
      'taken',
      'taken',
      'taken',
      { full: 'user' },
      'taken',
      { full: 'user' },
      { full: 'user' },
    ]);
    expect([await countOf(user), await countOf(other)]).toEqual([2, 2]);
  });

  it('are free at once when their gateway stops', async () => {
    const [user, stopping, staying] = [randomUUID(), redis.slots(), redis.slots()];
    await take(stopping, user);
    await take(stopping, user);
    stopping.close();
    stopping.close();
    await eventually(async () => expect(await staying.take(aStream(user), limits)).toBe('taken'), 1_000);
  });

  it.each(['silent', 'away'] as const)(
    'are counted by each gateway alone while Redis is %s, within little more than 300 ms, and by all afterwards',
    async (how) => {
      const user = randomUUID();
      const [islander, other] = [cutOff(), redis.slots()];
      await take(islander, user);
      await take(other, user);
      expect(await islander.take(aStream(user), limits)).toEqual({ full: 'user' });
      expect(await decidedAlone()).toBe(0);

      if (how === 'silent') proxy.silence();
      else {
        proxy.refuse();
        proxy.cut();
      }
      const started = performance.now();
      const alone = await take(islander, user);
      expect(performance.now() - started).toBeLessThan(600);
      expect(await islander.take(aStream(user), limits)).toEqual({ full: 'user' });
      expect(await decidedAlone()).toBe(2);

      proxy.silence(false);
      proxy.refuse(false);
      await eventually(async () => expect(await countOf(user)).toBe(3));
      // three streams are open where two are allowed: no more are admitted until two have ended
      islander.release(alone);
      await eventually(async () => expect(await countOf(user)).toBe(2));
      expect(await other.take(aStream(user), limits)).toEqual({ full: 'user' });
    },
  );

  it('that were released while Redis was away are free when it is back', async () => {
    const user = randomUUID();
    const [islander, other] = [cutOff(), redis.slots()];
    const streams = [await take(islander, user), await take(islander, user)];
    proxy.refuse();
    proxy.cut();
    islander.release(streams[0]!);

    proxy.refuse(false);

    await eventually(async () => expect(await other.take(aStream(user), limits)).toBe('taken'));
    await eventually(async () => expect(await other.take(aStream(user), limits)).toEqual({ full: 'user' }));
  });

  it('are stated again when Redis has forgotten them', async () => {
    const user = randomUUID();
    const slots = redis.slots({ lifetimeMs: 300 });
    await take(slots, user);
    await take(slots, user);
    await redis.plain.del(`${redis.prefix}streams:user:${user}`, ...(await gatewayKeys()));
    expect(await slots.take(aStream(user), limits)).toEqual({ full: 'user' });
    await eventually(async () => expect(await countOf(user)).toBe(2));
  });

  it('are stated again every fifteen heartbeats, even if Redis has other counts', async () => {
    const user = randomUUID();
    const slots = redis.slots({ lifetimeMs: 150 });
    await take(slots, user);
    const [instance] = Object.keys(await redis.plain.hgetall(`${redis.prefix}streams:user:${user}`));
    await redis.plain.hset(`${redis.prefix}streams:user:${user}`, instance!, 40);
    await eventually(async () => expect(await countOf(user)).toBe(1));
  });

  it('agree with what is held after any disorder of takes, releases and cuts', async () => {
    const users = Array.from({ length: 5 }, () => randomUUID());
    const slots = cutOff(300);
    const generous = { user: 1_000, tenant: 0, address: 0 };
    const held: StreamHolder[] = [];
    for (let round = 0; round < 60; round += 1) {
      if (round % 15 === 7) proxy.cut();
      const taking = users.map((user) => aStream(user));
      const answers = Promise.all(taking.map((stream) => slots.take(stream, generous)));
      for (const stream of held.splice(0, round % 7)) slots.release(stream);
      expect(new Set(await answers)).toEqual(new Set(['taken']));
      held.push(...taking);
    }
    for (const user of users) {
      const expected = held.filter(({ user: whose }) => whose === user).length;
      await eventually(async () => expect(await countOf(user)).toBe(expected));
    }
  });
});
