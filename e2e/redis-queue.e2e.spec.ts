import { Redis } from 'ioredis';
import { eventually } from '@tocsin/contracts/testing';
import { PrivateRedis } from './faults/private-services';
import {
  KILLED_PROCESSORS,
  KILLED_SERVERS,
  losesAndRepeatsNothing,
  MESSAGES,
  openStack,
} from './faults/queue-under-kills';
import { limitMs, SIZE_NOTE, sized } from './faults/size';
import type { Stack } from './kit/stack';

const seed = Number(process.env.SEED ?? 20_281);

describe('the queue in Redis Streams', () => {
  let redis: PrivateRedis;
  let stack: Stack;
  beforeAll(async () => {
    redis = await PrivateRedis.startAsQueue();
    stack = await openStack({ QUEUE: 'redis', REDIS_URL: redis.url, RABBITMQ_URL: '' });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    await redis?.remove();
  }, 60_000);

  it('warns at the start about a Redis that may delete the queue', async () => {
    expect(stack.processes.output).not.toContain('maxmemory-policy');
    const client = new Redis(redis.url);
    try {
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await stack.startGateway();
      await eventually(() => expect(stack.processes.output).toContain('maxmemory-policy is allkeys-lru'));
      await client.config('SET', 'maxmemory-policy', 'noeviction');
    } finally {
      client.disconnect();
    }
    await stack.gateways.pop()!.stop();
  });

  it(
    `loses nothing and repeats nothing of ${MESSAGES} alerts, while processors are killed ${KILLED_PROCESSORS} times, Redis ${KILLED_SERVERS} times, and a gateway once${SIZE_NOTE}`,
    async () => {
      const restartServer = async () => {
        await redis.kill();
        await redis.start();
      };
      await losesAndRepeatsNothing(stack, { restartServer }, seed);
      // what a killed processor held is taken over ten seconds later, and dropped if it is stored already
      await eventually(async () => expect(await inTheQueue()).toEqual([0, 0, 0, 0]), 30_000);
      expect(await stack.sql('select reason from tocsin.dead_letter')).toEqual([]);
    },
    limitMs(sized(1_200, 60)),
  );

  async function inTheQueue(): Promise<number[]> {
    const client = new Redis(redis.url);
    try {
      const kinds = ['urgent', 'common', 'suspects', 'given_up'];
      return await Promise.all(kinds.map((kind) => client.xlen(`${stack.prefix}queue:${kind}`)));
    } finally {
      client.disconnect();
    }
  }
});
