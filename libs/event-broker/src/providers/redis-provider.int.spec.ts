import { randomUUID } from 'node:crypto';
import { FaultProxy } from '@tocsin/fault-proxy';
import { Cluster, Redis } from 'ioredis';
import { anEvent, eventually } from '../testing/broker-events';
import { describeEventProvider } from '../testing/event-provider.contract';
import { RedisProvider } from './redis-provider';

const REDIS_URL = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const connect = (url = REDIS_URL, commandTimeout?: number) =>
  new Redis(url, { disconnectTimeout: 500, commandTimeout });

async function removeKeys(client: Redis, streamName: string): Promise<void> {
  for await (const keys of client.scanStream({ match: `${streamName}*`, count: 1_000 }))
    if ((keys as string[]).length > 0) await client.del(...(keys as string[]));
}

describeEventProvider('redis', async () => {
  const streamName = `test-${randomUUID()}:events`;
  const clients: Redis[] = [];
  return {
    open: async () => {
      const client = connect();
      clients.push(client);
      const provider = new RedisProvider({ client, streamName });
      await provider.open();
      return provider;
    },
    drop: async () => {
      await removeKeys(clients[0]!, streamName);
      for (const client of clients) client.disconnect();
    },
    isShared: false,
  };
});

describe('a Redis Cluster is refused before anything is stored', () => {
  const refusal = expect.objectContaining({
    code: 'invalid_configuration',
    message: expect.stringMatching(/option client .* Redis Cluster/) as string,
  });

  const client = connect();
  afterAll(() => client.disconnect());

  it('as a client of ioredis for several nodes', () => {
    const ofSeveral = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
    expect(() => new RedisProvider({ client: ofSeveral as unknown as Redis })).toThrow(refusal);
  });

  it('as one node, once it says so; one that says nothing is taken for a Redis alone', async () => {
    const provider = new RedisProvider({ client });
    await client.ping(); // it asks for the same when it connects
    const info = jest.spyOn(client, 'info');
    info.mockResolvedValueOnce('# Cluster\r\ncluster_enabled:1\r\n');
    await expect(provider.open()).rejects.toEqual(refusal);
    info.mockRejectedValueOnce(new Error('NOPERM'));
    await provider.open();
    info.mockRestore();
    await provider.open();
  });
});

describe('the redis provider', () => {
  const streamName = `test-${randomUUID()}:own`;
  const client = connect();
  afterAll(async () => {
    await removeKeys(client, streamName);
    client.disconnect();
  });

  it('a stream whose connection was killed hears what came meanwhile', async () => {
    const troubles: unknown[] = [];
    const provider = new RedisProvider({ client, streamName, onTrouble: (error) => troubles.push(error) });
    const heard: string[] = [];
    const stop = new AbortController();
    const stream = await provider.stream({ patterns: ['*'], signal: stop.signal });
    const ended = (async () => {
      for await (const { id } of stream) heard.push(id);
    })();
    const blocked = async () =>
      String(await client.client('LIST'))
        .split('\n')
        .find((line) => line.includes('cmd=xread') && !troubles.includes(line));
    await provider.publish([anEvent()]);
    await eventually(() => heard.length === 1 || undefined);
    const line = await eventually(blocked);
    await client.client('KILL', 'ID', /id=(\d+)/.exec(line)![1]!);
    const second = anEvent();
    await provider.publish([second]);
    await eventually(() => heard.length === 2 || undefined);
    expect(heard[1]).toBe(second.id);
    stop.abort();
    await ended;
    await provider.close();
  });

  it('a stream whose connections fall silent makes another, and hears what comes within seconds', async () => {
    const proxy = await FaultProxy.to(REDIS_URL);
    const through = connect(proxy.via(REDIS_URL), 500); // the service's own bound, which is shorter than a read waits
    const troubles: unknown[] = [];
    const provider = new RedisProvider({
      client: through,
      streamName,
      onTrouble: (error) => troubles.push(error),
    });
    const direct = new RedisProvider({ client, streamName });
    const heard: string[] = [];
    const stop = new AbortController();
    const stream = await provider.stream({ patterns: ['*'], signal: stop.signal });
    const ended = (async () => {
      for await (const { id } of stream) heard.push(id);
    })();
    try {
      await direct.publish([anEvent()]);
      await eventually(() => heard.length === 1 || undefined);
      // as behind a firewall that has forgotten them
      for (const connection of proxy.connections) connection.blackhole();
      const second = anEvent();
      await direct.publish([second]);
      await eventually(() => heard.length === 2 || undefined, 10_000);
      expect(heard[1]).toBe(second.id);
      expect(troubles).toEqual([expect.objectContaining({ message: expect.stringContaining('silent') as string })]);
    } finally {
      stop.abort();
      through.disconnect();
      await ended;
      await provider.close();
      await direct.close();
      await proxy.close();
    }
  }, 20_000);

  it('a payload above the size is compressed, and is read as it was', async () => {
    const provider = new RedisProvider({ client, streamName, compressAboveBytes: 1_000 });
    const large = anEvent({ payload: { text: 'flour '.repeat(1_000) } });
    await provider.publish([large]);
    expect(((await client.hget(`${streamName}:event:${large.id}`, 'json')) ?? '').length).toBeLessThan(1_000);
    expect(await provider.get(large.id)).toEqual(large);
    await provider.close();
  });

  it.each([0, 0.5, Infinity])('retentionMs: %d is refused', (retentionMs) => {
    const refusal = { code: 'invalid_configuration', message: expect.stringContaining('retentionMs') as string };
    expect(() => new RedisProvider({ client, retentionMs })).toThrow(expect.objectContaining(refusal));
  });

  it('what is older than the retention is trimmed, and its counts with it', async () => {
    const name = `${streamName}:short`;
    const provider = new RedisProvider({ client, streamName: name, retentionMs: 50 });
    const old = anEvent();
    await provider.publish([old]);
    await eventually(async () => ((await provider.get(old.id)) ? undefined : true));
    const young = anEvent();
    await provider.publish([young]);
    expect((await provider.stats()).total_events).toBe(1);
    expect((await provider.list()).map(({ id }) => id)).toEqual([young.id]);
    await provider.close();
  });
});
