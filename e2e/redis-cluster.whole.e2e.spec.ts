import {
  aHint,
  describeDoorbell,
  describeEventBus,
  describeStreamSlots,
  describeTicketStore,
  eventually,
} from '@tocsin/contracts/testing';
import { describeAlertSource } from '@tocsin/messages/testing';
import { RedisConnection, StreamIntake, StreamQueue, StreamSource } from '@tocsin/redis';
import { OwnRedis } from '@tocsin/redis/testing';
import { PrivateRedisCluster } from './faults/private-redis-cluster';
import { ask } from './kit/http';
import { violationsOf, type Published } from './kit/ledger';
import { SseClient } from './kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from './kit/stack';
import { JWT_SECRET, publisherToken, tokenFor } from './kit/tokens';

const NODE_TIMEOUT_MS = 2_000;
const LIFETIME_MS = 600;
const MESSAGES = 1_000;
const BATCH = 25;

let cluster: PrivateRedisCluster;
beforeAll(async () => (cluster = await PrivateRedisCluster.start(NODE_TIMEOUT_MS)), 120_000);
afterAll(() => cluster?.remove(), 60_000);

describeEventBus('A Redis Cluster', {
  async open() {
    const redis = new OwnRedis(cluster.urls);
    const bus = redis.bus();
    await eventually(() => bus.publish([aHint()]));
    return { bus, close: () => redis.close() };
  },
});

describeDoorbell('A Redis Cluster', {
  async open() {
    const redis = new OwnRedis(cluster.urls);
    const connection = redis.connection();
    connection.open();
    await eventually(() => expect(connection.connected).toBe(true));
    return { doorbell: redis.doorbell(undefined, connection), close: () => redis.close() };
  },
});

describeTicketStore('A Redis Cluster', {
  async open() {
    const redis = new OwnRedis(cluster.urls);
    return { tickets: redis.tickets(), close: () => redis.close() };
  },
});

describeStreamSlots('A Redis Cluster', {
  lifetimeMs: LIFETIME_MS,
  async open() {
    const redis = new OwnRedis(cluster.urls);
    const first = redis.connection();
    const gateways = [
      redis.slots({ connection: first, lifetimeMs: LIFETIME_MS }),
      redis.slots({ lifetimeMs: LIFETIME_MS }),
    ] as const;
    return { gateways, crashFirst: () => first.close(), close: () => redis.close() };
  },
});

describeAlertSource('Redis Streams in a cluster', {
  async open() {
    const redis = new OwnRedis(cluster.urls);
    const queue = new StreamQueue(redis.connection(), redis.prefix, 1);
    const sources: StreamSource[] = [];
    return {
      intake: new StreamIntake(queue, 10_000),
      async source() {
        const source = new StreamSource(queue, { url: cluster.urls, prefetch: 2_000, consumeTimeoutMs: 2_000 });
        sources.push(source);
        return source;
      },
      async close() {
        await Promise.all(sources.map((source) => source.stop()));
        await redis.close();
      },
    };
  },
});

describe('an address of one node of a Redis Cluster', () => {
  it('is warned of, and those of several nodes are not', async () => {
    const [one, other] = [cluster.nodes[0]!.url, cluster.nodes[1]!.url];
    for (const [urls, warnings] of [
      [one, 1],
      [`${one},${other}`, 0],
    ] as const) {
      const connection = new RedisConnection(urls, '{e2e}');
      expect(await eventually(() => connection.clusterWarning('bus', 1_000))).toHaveLength(warnings);
      connection.close();
    }
  });
});

describe('requests in a Redis Cluster', () => {
  it('are counted for two gateways together', async () => {
    const redis = new OwnRedis(cluster.urls);
    try {
      expect([(await redis.rates().count('ana')).count, (await redis.rates().count('ana')).count]).toEqual([1, 2]);
    } finally {
      await redis.close();
    }
  });
});

describe('bus and queue in a Redis Cluster', () => {
  let stack: Stack;
  beforeAll(async () => {
    const environment = {
      QUEUE: 'redis',
      RABBITMQ_URL: '',
      REDIS_URL: cluster.urls,
      REDIS_PREFIX: '{e2e}',
      REDIS_QUEUE_REPLICAS: '1',
    };
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gatewayEnvironment: { ...environment, STREAMS_PER_USER: '1' },
      processorEnvironment: environment,
    });
  }, 120_000);
  afterAll(() => stack?.close(), 60_000);

  it('lose and repeat nothing when the node that has them is killed, and started again', async () => {
    expect(stack.processes.output).not.toMatch(/can lose confirmed messages|one node of a Redis Cluster/);
    const client = new SseClient('ana', { headers: { Authorization: `Bearer ${tokenFor('ana')}` } });
    await client.connect(stack.eventsUrl());
    const published: Published[] = [];
    const lost = await cluster.owner();
    for (let at = 0; at < MESSAGES; at += BATCH) {
      if (at === MESSAGES / 4) await lost.kill();
      if (at === MESSAGES / 2) await lost.start();
      const batch = Array.from({ length: BATCH }, (_, i) => ({
        tenant_id: 'bakery',
        service: 'inventory',
        severity: i % 10 === 0 ? 'urgent' : 'low',
        id: `m-${at + i}`,
        name: 'low_stock',
        occurred_at: '2026-01-02T03:04:05Z',
      }));
      await eventually(() => publish(batch), 30_000);
      published.push(...batch.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: true })));
    }
    expect(await cluster.owner()).not.toBe(lost);
    await eventually(async () => expect(await stack.rows()).toHaveLength(MESSAGES), 60_000);
    await eventually(() => expect(client.current?.cursor?.split('-').at(-2)).toBe(String(MESSAGES)), 30_000);
    const transcript = { client: 'ana', tenants: ['bakery'], frames: client.frames, connectedAtTheEnd: true };
    expect(
      violationsOf({
        published,
        rows: await stack.rows(),
        transcripts: [transcript],
        logs: [stack.processes.output],
        secrets: [JWT_SECRET, TENANT_SERVICE_TOKEN],
      }).slice(0, 10),
    ).toEqual([]);
    expect(client.connections).toBe(1);
    client.disconnect();
  }, 240_000);

  async function publish(events: readonly object[]): Promise<void> {
    const { status } = await ask(stack.gateway.url, '/api/v1/events', {
      method: 'POST',
      headers: { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(events),
    });
    if (status !== 202) throw new Error(`answered ${status}`);
  }
});
