import { inspect } from 'node:util';
import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { OwnRedis, redisUrl } from './testing/own-redis';

test('a connection that is accepted and never answered is given up for another one', async () => {
  const redis = new OwnRedis();
  const proxy = await FaultProxy.to(redisUrl());
  try {
    // as of a Redis that stands still: the system accepts for it
    proxy.onConnection = (connection) => {
      if (proxy.accepted === 1) connection.blackhole();
    };
    const connection = redis.connection(proxy.via(redisUrl()));
    connection.open();
    await eventually(() => expect(proxy.accepted).toBe(1));
    await eventually(() => expect(connection.connected).toBe(true), 10_000);
    expect(proxy.accepted).toBe(2);
  } finally {
    await redis.close();
    await proxy.close();
  }
});

test('what keeps it from connecting is the cause of what fails, and has no password', async () => {
  const redis = new OwnRedis();
  const url = Object.assign(new URL(redisUrl()), { username: 'nobody', password: 'canary' }).toString();
  try {
    const connection = redis.connection(url);
    const failure = await eventually(async () => {
      const error = await connection.run('bus', 1_000, (client) => client.ping()).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ name: 'Unavailable', cause: { message: expect.stringContaining('WRONGPASS') } });
      return error;
    });
    expect(inspect(failure, { depth: null })).not.toContain('canary');
  } finally {
    await redis.close();
  }
});
