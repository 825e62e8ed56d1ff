import { randomUUID } from 'node:crypto';
import { tenantIdOf } from '@tocsin/contracts';
import type { Delivery, DeliverySession } from '@tocsin/contracts/ports';
import { aHint, anAlert, aTenant, eventually, heardHints, ListenerByHand } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { createLogger } from '@tocsin/observability';
import { StreamIntake } from './streams/alert-intake.streams';
import { StreamSource } from './streams/alert-source.streams';
import { weaknessesOf } from './streams/durability';
import { StreamQueueDepths } from './streams/queue-depths.streams';
import { StreamQueue } from './streams/stream-queue';
import { DocumentedUser } from './testing/documented-user';
import { OwnRedis, redisUrl } from './testing/own-redis';

const LIMIT = 100;

describe('the rights that the guide gives in Redis', () => {
  let redis: OwnRedis;
  let user: DocumentedUser;
  let proxy: FaultProxy;
  beforeEach(async () => {
    redis = new OwnRedis();
    user = await DocumentedUser.of('install.md', redis.prefix);
    proxy = await FaultProxy.to(redisUrl());
  });
  afterEach(async () => {
    await redis.close();
    await user.remove();
    await proxy.close();
  });

  it('suffice for hints, rings, tickets and the counts of streams and of requests', async () => {
    const [tenant_id, heard, connection] = [aTenant(), heardHints(), redis.connection(user.url)];
    await connection.check('bus', 5_000);
    await connection.clusterWarning('bus', 5_000);

    const bus = redis.bus({ url: user.url });
    const subscription = await bus.subscribe(tenant_id, heard);
    await bus.publish([aHint({ tenant_id })]);
    await eventually(() => expect(heard.hints).toHaveLength(1));
    await subscription.close();

    const doorbell = redis.doorbell(user.url);
    let rings = 0;
    await doorbell.onRing(() => (rings += 1));
    await eventually(async () => {
      await doorbell.ring();
      expect(rings).toBeGreaterThan(0);
    });

    expect(await redis.tickets(user.url).redeem(randomUUID(), new Date(Date.now() + 30_000))).toBe(true);
    expect(await redis.rates(user.url).count('ana')).toMatchObject({ count: 1 });

    const slots = redis.slots({ connection });
    const holder = { user: 'ana', tenant_ids: [tenantIdOf('acme')!], address: '192.0.2.1' };
    expect(await slots.take(holder, { user: 1, tenant: 1, address: 1 })).toBe('taken');
    slots.release(holder);
    await eventually(async () => expect(await redis.plain.keys(`${redis.prefix}streams:*`)).toEqual([]));
    expect(await user.refused()).toEqual([]);
  });

  it('are asked for on the same connection again while one is missing, and the log says why', async () => {
    const [tenant_id, heard, lines] = [aTenant(), heardHints(), [] as string[]];
    const log = createLogger({ app: 'test', destination: { write: (line: string) => void lines.push(line) } });
    await user.lose('resetchannels');
    const bus = redis.bus({ url: proxy.via(user.url), log });
    await bus.subscribe(tenant_id, heard);
    await eventually(() => expect(lines.join('')).toContain('hints do not arrive: Redis refuses the subscription'));
    expect(lines.join('')).toContain('NOPERM');
    expect(bus.connected).toBe(false);

    await user.regain();
    await eventually(async () => {
      await bus.publish([aHint({ tenant_id })]);
      expect(heard.hints).not.toHaveLength(0);
    }, 15_000);
    expect(lines.join('')).toContain('hints arrive again');
    // one that subscribes, and one for commands
    expect(proxy.accepted).toBe(2);
  });

  it('suffice for the queue', async () => {
    const queue = new StreamQueue(redis.connection(user.url), redis.prefix);
    const source = new StreamSource(queue, { url: user.url, prefetch: 2_000, consumeTimeoutMs: 5_000 });
    const settled: string[] = [];
    const settle = (delivery: Delivery, session: DeliverySession) => {
      const how = (['giveBack', 'park'] as const).find((one) => !settled.includes(one)) ?? 'acknowledge';
      settled.push(how);
      session[how](delivery);
    };
    try {
      await source.consume(() => new ListenerByHand(settle));
      await new StreamIntake(queue, LIMIT).publish([anAlert(), anAlert()]);
      // what is given back and what is parked comes again
      await eventually(() => expect(settled.filter((how) => how === 'acknowledge')).toHaveLength(2), 20_000);
      await new StreamQueueDepths(queue, LIMIT).read();
      await redis.connection(user.url).run('queue', 5_000, weaknessesOf);
    } finally {
      await source.stop();
    }
    expect(await user.refused()).toEqual([]);
  });
});
