import { randomUUID } from 'node:crypto';
import type { Unavailable } from '@tocsin/contracts';
import { describeTicketStore, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { RedisTicketStore } from './ticket-store.redis';
import { OwnRedis, redisUrl } from './testing/own-redis';

describeTicketStore('Redis', {
  async open() {
    const redis = new OwnRedis();
    return { tickets: redis.tickets(), close: () => redis.close() };
  },
});

describe('tickets in Redis', () => {
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
  const inThirtySeconds = () => new Date(Date.now() + 30_000);

  it('are redeemed once by two gateways', async () => {
    const jti = randomUUID();
    const answers = await Promise.all([
      redis.tickets().redeem(jti, inThirtySeconds()),
      redis.tickets().redeem(jti, inThirtySeconds()),
    ]);
    expect(answers.sort()).toEqual([false, true]);
  });

  it('are forgotten some time after they have expired, and not before', async () => {
    const jti = randomUUID();
    await redis.tickets().redeem(jti, inThirtySeconds());
    const rememberedForMs = await redis.plain.pttl(`${redis.prefix}ticket:${jti}`);
    expect(rememberedForMs).toBeGreaterThan(30_000);
    expect(rememberedForMs).toBeLessThan(120_000);
  });

  it('cannot be redeemed while Redis is silent or away: that is known within 600 ms', async () => {
    const tickets = redis.tickets(proxy.via(redisUrl()));
    expect(await tickets.redeem(randomUUID(), inThirtySeconds())).toBe(true);

    proxy.silence();
    const started = performance.now();
    await expect(tickets.redeem(randomUUID(), inThirtySeconds())).rejects.toMatchObject({
      name: 'Unavailable',
      dependency: 'redis',
    });
    expect(performance.now() - started).toBeLessThan(800);

    proxy.silence(false);
    await eventually(async () => expect(await tickets.redeem(randomUUID(), inThirtySeconds())).toBe(true));
  });

  it('cannot be redeemed since the connection was lost, not since somebody asked', async () => {
    const connection = redis.connection(proxy.via(redisUrl()));
    const tickets = new RedisTicketStore(connection, redis.prefix);
    await tickets.redeem(randomUUID(), inThirtySeconds());
    proxy.refuse();
    const lost = new Promise<number>((resolve) => connection.watch(() => resolve(Date.now())));
    proxy.cut();
    const lostAt = await lost;
    await eventually(async () => {
      const since = await tickets.redeem(randomUUID(), inThirtySeconds()).then(
        () => undefined,
        (error: Unavailable) => error.since,
      );
      expect(Math.abs(since!.getTime() - lostAt)).toBeLessThan(50);
      expect(Date.now() - lostAt).toBeGreaterThan(300);
    });

    proxy.refuse(false);
    await eventually(async () => expect(await tickets.redeem(randomUUID(), inThirtySeconds())).toBe(true));
    proxy.silence();
    await expect(tickets.redeem(randomUUID(), inThirtySeconds())).rejects.toMatchObject({ since: undefined });
  });
});
