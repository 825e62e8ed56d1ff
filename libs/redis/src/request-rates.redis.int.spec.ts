import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { OwnRedis, redisUrl } from './testing/own-redis';

const MINUTE_MS = 60_000;

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

test('of many requests at once through two gateways each gets a number of its own, and all the same end', async () => {
  const gateways = [redis.rates(), redis.rates()];
  const counted = await Promise.all(Array.from({ length: 50 }, (_, n) => gateways[n % 2]!.count('ana')));
  expect(counted.map(({ count }) => count).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  for (const { resetMs } of counted) {
    expect(resetMs).toBeGreaterThan(MINUTE_MS / 2);
    expect(resetMs).toBeLessThanOrEqual(MINUTE_MS);
  }
  expect((await gateways[0]!.count('ben')).count).toBe(1);
});

test('a window ends: its key is gone a minute after its first request', async () => {
  const rates = redis.rates();
  const { resetMs } = await rates.count('ana');
  await rates.count('ana');
  const [key] = await redis.plain.keys(`${redis.prefix}*`);
  expect(await redis.plain.pttl(key!)).toBeLessThanOrEqual(resetMs);
  await redis.plain.pexpire(key!, 1);
  await eventually(async () => expect(await redis.plain.exists(key!)).toBe(0));
  expect(await rates.count('ana')).toMatchObject({ count: 1 });
});

test('requests cannot be counted while Redis is silent: that is known at once, and ends with the silence', async () => {
  const rates = redis.rates(proxy.via(redisUrl()));
  await rates.count('ana');
  proxy.silence();
  const askedAt = performance.now();
  await expect(rates.count('ana')).rejects.toMatchObject({ name: 'Unavailable', role: 'slots' });
  expect(performance.now() - askedAt).toBeLessThan(400);
  proxy.silence(false);
  await eventually(async () => expect((await rates.count('ana')).count).toBeGreaterThan(1));
});

test('a count that comes too late decides alone: what else is under way over the connection is answered', async () => {
  const connection = redis.connection(proxy.via(redisUrl()));
  const rates = redis.rates(undefined, connection);
  await rates.count('ana');
  proxy.silence();
  const beside = connection.run('tickets', 10_000, (client) => client.ping());
  await expect(rates.count('ana')).rejects.toMatchObject({ name: 'Unavailable', role: 'slots' });
  proxy.silence(false);
  expect(await beside).toBe('PONG');
  await eventually(async () => expect((await rates.count('ana')).count).toBeGreaterThan(1));
  expect(proxy.accepted).toBe(1);
});
