import { Redis } from 'ioredis';
import { Client } from 'pg';
import { eventually } from '@tocsin/contracts/testing';
import { killSubscribers, pauseRedis, subscribersOf, terminateSessions } from './admin-faults';
import { PrivatePostgres, PrivateRedis } from './private-services';

const SLOW_START_MS = 60_000;

describe('a Redis of one’s own', () => {
  let redis: PrivateRedis;
  let client: Redis;
  beforeAll(async () => {
    redis = await PrivateRedis.start();
    client = new Redis(redis.url);
    client.on('error', () => undefined);
  }, SLOW_START_MS);
  afterAll(async () => {
    client?.disconnect();
    await redis?.remove();
  }, SLOW_START_MS);

  it('is away after a stop, and back at the same address after a start', async () => {
    await client.ping();
    await redis.stop();
    await expect(new Redis(redis.url, { lazyConnect: true, retryStrategy: () => null }).connect()).rejects.toThrow();
    await redis.start();
    await client.ping();
  });

  it('takes what it is sent while it is frozen, and answers when it is thawed', async () => {
    redis.freeze();
    let answered = false;
    const answer = client.ping().then(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(answered).toBe(false);
    redis.thaw();
    await answer;
  });

  it('answers no client while it is paused', async () => {
    const startedAt = performance.now();
    await pauseRedis(redis.url, 300);
    await client.ping();
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
  });

  it('can end the connections of subscribers, and no others', async () => {
    const subscriber = new Redis(redis.url, { retryStrategy: () => null });
    await subscriber.subscribe('alerts:a');
    expect(await subscribersOf(redis.url, 'alerts:a')).toBe(1);
    const ended = new Promise((resolve) => subscriber.once('end', resolve));
    expect(await killSubscribers(redis.url)).toBe(1);
    await ended;
    expect(await subscribersOf(redis.url, 'alerts:a')).toBe(0);
    await client.ping();
  });
});

describe('a PostgreSQL of one’s own', () => {
  let postgres: PrivatePostgres;
  beforeAll(async () => (postgres = await PrivatePostgres.start()), SLOW_START_MS);
  afterAll(() => postgres?.remove(), SLOW_START_MS);

  async function connected(applicationName = 'test'): Promise<Client> {
    const client = new Client({ connectionString: postgres.url, application_name: applicationName });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  it(
    'keeps what was committed over a stop, and over a kill',
    async () => {
      const first = await connected();
      await first.query('create table kept (n int); insert into kept values (1)');
      await postgres.stop();
      await postgres.start();
      const second = await connected();
      await second.query('insert into kept values (2)');
      await postgres.kill();
      await postgres.start();
      const third = await connected();
      expect((await third.query('select n from kept order by n')).rows).toEqual([{ n: 1 }, { n: 2 }]);
      await third.end();
    },
    SLOW_START_MS,
  );

  it('can end the sessions of one application, and no others', async () => {
    const [doomed, spared] = [await connected('tocsin gateway'), await connected('other')];
    const ended = new Promise((resolve) => doomed.once('end', resolve));
    expect(await terminateSessions(postgres.url, 'tocsin%')).toBe(1);
    await ended;
    await eventually(async () => expect((await spared.query('select 1 as one')).rows).toEqual([{ one: 1 }]));
    await spared.end();
  });
});
