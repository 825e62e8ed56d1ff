import { describeDoorbell, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { OwnRedis, redisUrl } from './testing/own-redis';

/** A doorbell whose connection is open: while it opens, a busy machine may lose a ring. */
async function openDoorbell(redis: OwnRedis, url = redisUrl()) {
  const connection = redis.connection(url);
  connection.open();
  await eventually(() => expect(connection.connected).toBe(true));
  return redis.doorbell(url, connection);
}

describeDoorbell('Redis', {
  async open() {
    const redis = new OwnRedis();
    return { doorbell: await openDoorbell(redis), close: () => redis.close() };
  },
});

describe('rings through Redis', () => {
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

  it('reach another process on the topic `deliveries`, and carry nothing', async () => {
    const plain = redis.plain.duplicate();
    const heard: string[] = [];
    await plain.subscribe(`${redis.prefix}deliveries`);
    plain.on('message', (topic: string, message: string) => heard.push(`${topic}|${message}`));
    await eventually(async () => {
      await redis.doorbell().ring();
      expect(heard[0]).toBe(`${redis.prefix}deliveries|`);
    });
    plain.disconnect();
  });

  it('are lost without an error and within 500 ms while Redis is silent', async () => {
    const doorbell = await openDoorbell(redis, proxy.via(redisUrl()));
    proxy.silence();
    const since = performance.now();
    await expect(doorbell.ring()).resolves.toBeUndefined();
    expect(performance.now() - since).toBeLessThan(700);
  });

  it('can be listened for while Redis is away: the return of Redis counts as a ring', async () => {
    proxy.refuse();
    const doorbell = redis.doorbell(proxy.via(redisUrl()));
    let heard = 0;
    await doorbell.onRing(() => void (heard += 1));
    expect(heard).toBe(0);
    proxy.refuse(false);
    await eventually(() => expect(heard).toBe(1));
  });
});
