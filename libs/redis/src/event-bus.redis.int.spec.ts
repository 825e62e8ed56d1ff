import { encodeHint, topicOf } from '@tocsin/contracts';
import {
  aHint,
  aTenant,
  describeEventBus,
  describeEventBusOutage,
  eventually,
  heardHints,
} from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { createLogger } from '@tocsin/observability';
import { OwnRedis, redisUrl } from './testing/own-redis';

describeEventBus('Redis', {
  async open() {
    const redis = new OwnRedis();
    const bus = redis.bus();
    // the first one opens the connection, which may take longer than a hint may on a busy machine
    await eventually(() => bus.publish([aHint()]));
    return { bus, close: () => redis.close() };
  },
});

describeEventBusOutage('Redis', {
  technology: 'redis',
  async open() {
    const redis = new OwnRedis();
    const proxy = await FaultProxy.to(redisUrl());
    return {
      bus: () => redis.bus(),
      cutOff: () => redis.bus({ url: proxy.via(redisUrl()) }),
      proxy,
      gauge: redis.metrics.busUp,
      async close() {
        await redis.close();
        await proxy.close();
      },
    };
  },
});

describe('hints through Redis', () => {
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
  const cutOff = () => proxy.via(redisUrl());

  it('are published on alerts:<tenant>: a line of JSON, then the data as it will be sent', async () => {
    const [tenant, heard] = [aTenant(), [] as string[]];
    const plain = redis.plain.duplicate();
    await plain.subscribe(topicOf(tenant, redis.prefix));
    plain.on('message', (topic: string, message: string) => heard.push(topic, message));
    const hint = aHint({ tenant_id: tenant, seq: 7 });

    await redis.bus().publish([hint]);

    await eventually(() => expect(heard).toHaveLength(2));
    const [, head, data] = heard[1]!.split('\n');
    expect(heard[0]).toBe(`${redis.prefix}alerts:${tenant}`);
    expect(JSON.parse(head!)).toMatchObject({
      v: 1,
      epoch: hint.epoch,
      seq: 7,
      fp: hint.fp,
      event: hint.event,
      severity: 'urgent',
    });
    expect(data).toBe(hint.data!.toString());
    plain.disconnect();
  });

  it('of one tenant in one batch share messages of at most 16 KiB, and keep their order', async () => {
    const [tenant, other] = [aTenant(), aTenant()];
    const [bus, heard, sizes] = [redis.bus(), heardHints(), [] as number[]];
    const plain = redis.plain.duplicate();
    await plain.subscribe(topicOf(tenant, redis.prefix));
    plain.on('messageBuffer', (_topic: Buffer, message: Buffer) => sizes.push(message.length));
    await bus.subscribe(tenant, heard);

    await bus.publish(
      Array.from({ length: 40 }, (_, index) =>
        aHint({ tenant_id: index % 2 ? other : tenant, seq: index + 1, message: 'x'.repeat(1_000) }),
      ),
    );

    await eventually(() => expect(heard.hints).toHaveLength(20));
    expect(heard.hints.map((hint) => hint?.seq)).toEqual(Array.from({ length: 20 }, (_, index) => 2 * index + 1));
    expect(heard.hints.every((hint) => hint?.data)).toBe(true);
    await eventually(() => expect(sizes.length).toBeGreaterThan(1));
    expect(sizes.length).toBeLessThan(5);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16 * 1024);
    plain.disconnect();
  });

  it('subscribe to a tenant once, however many listen, and no longer than they do', async () => {
    const [tenant, bus] = [aTenant(), redis.bus()];
    const subscribers = async () => (await redis.plain.pubsub('NUMSUB', topicOf(tenant, redis.prefix)))[1];
    const subscriptions = await Promise.all([
      bus.subscribe(tenant, heardHints()),
      bus.subscribe(tenant, heardHints()),
      bus.subscribe(tenant, heardHints()),
    ]);
    expect(await subscribers()).toBe(1);
    for (const subscription of subscriptions) subscription.close();
    await eventually(async () => expect(await subscribers()).toBe(0));
  });

  it('go without their data beyond 16 KiB, and beyond 256 KiB of one tenant in one batch', async () => {
    const [large, many, few] = [aTenant(), aTenant(), aTenant()];
    const bus = redis.bus();
    const heard = { large: heardHints(), many: heardHints(), few: heardHints() };
    await Promise.all([
      bus.subscribe(large, heard.large),
      bus.subscribe(many, heard.many),
      bus.subscribe(few, heard.few),
    ]);

    await bus.publish([
      aHint({ tenant_id: large, seq: 1, message: 'x'.repeat(17_000) }),
      aHint({ tenant_id: large, seq: 2 }),
      ...Array.from({ length: 30 }, (_, index) =>
        aHint({ tenant_id: many, seq: index + 1, message: 'x'.repeat(10_000) }),
      ),
      aHint({ tenant_id: few, seq: 1, message: 'x'.repeat(10_000) }),
    ]);

    await eventually(() => expect(heard.few.hints).toHaveLength(1));
    expect(heard.large.hints.map((hint) => hint?.data === null)).toEqual([true, false]);
    expect(heard.many.hints.map((hint) => hint?.seq)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(heard.many.hints.every((hint) => hint?.data === null)).toBe(true);
    expect(heard.few.hints[0]!.data).not.toBeNull();
  });

  it('that were forged only cause a read of the event log', async () => {
    const tenant = aTenant();
    const hintKey = 'a key of at least thirty-two characters';
    const heard = heardHints();
    await redis.bus({ hintKey }).subscribe(tenant, heard);

    await redis.bus().publish([aHint({ tenant_id: tenant, seq: 99 })]);
    await redis.plain.publish(topicOf(tenant, redis.prefix), 'anything');
    await redis.bus({ hintKey }).publish([aHint({ tenant_id: tenant, seq: 1 })]);

    await eventually(() => expect(heard.hints.map((hint) => hint?.seq)).toEqual([undefined, undefined, 1]));
  });

  it('are signed with the key that the system keeps when none is configured, and go without their entries while none is known', async () => {
    const tenant = aTenant();
    let away = true;
    const keptKey = {
      read: () =>
        away ? Promise.reject(new Error('away')) : Promise.resolve('the key that the system keeps, and no other'),
    };
    const [listens, speaks] = [redis.bus({ keptKey }), redis.bus({ keptKey })];
    const [heard, raw] = [heardHints(), [] as string[]];
    const plain = redis.plain.duplicate();
    await plain.subscribe(topicOf(tenant, redis.prefix));
    plain.on('message', (_topic: string, message: string) => raw.push(message));
    await listens.subscribe(tenant, heard);
    await speaks.publish([aHint({ tenant_id: tenant, seq: 1, title: 'not to be told' })]);
    await eventually(() => expect(heard.hints).toEqual([undefined]));
    expect(raw.join()).not.toContain('not to be told');

    away = false;
    await eventually(async () => {
      await speaks.publish([aHint({ tenant_id: tenant, seq: 2 })]);
      expect(heard.hints.at(-1)?.seq).toBe(2);
    });
    // a hint of another system, an unsigned one, and one that is larger than any published hint
    await redis.bus().publish([aHint({ tenant_id: tenant, seq: 3 })]);
    await redis.plain.publish(topicOf(tenant, redis.prefix), encodeHint(aHint({ tenant_id: tenant, seq: 3 })));
    await redis.plain.publish(topicOf(tenant, redis.prefix), Buffer.alloc(512 * 1024, 'x'));
    await eventually(() =>
      expect(heard.hints.slice(-4).map((hint) => hint?.seq)).toEqual([2, undefined, undefined, undefined]),
    );
    plain.disconnect();
  });

  it('arrive again after the subscriber was killed, and every listener is told that it may have missed some', async () => {
    const [one, other] = [aTenant(), aTenant()];
    const bus = redis.bus({ url: cutOff() });
    const heard = [heardHints(), heardHints(), heardHints()] as const;
    await bus.subscribe(one, heard[0]);
    await bus.subscribe(one, heard[1]);
    await bus.subscribe(other, heard[2]);
    expect(heard.map(({ resumed }) => resumed)).toEqual([0, 0, 0]);

    // by address: CLIENT KILL TYPE pubsub would end the subscribers of other tests too
    const subscribers = String(await redis.plain.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
    const port = proxy.ports.find((known) => subscribers.includes(`addr=127.0.0.1:${known} `));
    expect(await redis.plain.call('CLIENT', 'KILL', `127.0.0.1:${port}`)).toBe('OK');

    await eventually(() => expect(heard.map(({ resumed }) => resumed)).toEqual([1, 1, 1]));
    expect(bus.connected).toBe(true);
    await bus.publish([aHint({ tenant_id: one, seq: 5 })]);
    await eventually(() => expect(heard[0].hints.map((hint) => hint?.seq)).toEqual([5]));
  });

  it('are refused at once while Redis is away', async () => {
    const bus = redis.bus({ url: cutOff() });
    const hint = aHint({ tenant_id: aTenant() });
    await bus.publish([hint]);
    proxy.refuse();
    proxy.cut();
    await eventually(() => expect(bus.connected).toBe(false));
    const since = performance.now();
    await expect(bus.publish([hint])).rejects.toMatchObject({ name: 'Unavailable', role: 'bus', technology: 'redis' });
    expect(performance.now() - since).toBeLessThan(100);
    proxy.refuse(false);
    await eventually(() => bus.publish([hint]));
  });
});

describe('plain messages beside the hints', () => {
  let redis: OwnRedis;
  beforeEach(() => void (redis = new OwnRedis()));
  afterEach(() => redis.close());

  it('hold one entry each as JSON, in order, and the hints go out as without them', async () => {
    const [tenant, heard, hints] = [aTenant(), [] as string[], heardHints()];
    const [plainPrefix, bus] = [`${redis.prefix}plain:`, redis.bus({ plainPrefix: `${redis.prefix}plain:` })];
    const plain = redis.plain.duplicate();
    await plain.subscribe(topicOf(tenant, plainPrefix));
    plain.on('message', (_topic: string, message: string) => heard.push(message));
    await bus.subscribe(tenant, hints);

    const published = [1, 2, 3].map((seq) => aHint({ tenant_id: tenant, seq }));
    await bus.publish(published);

    await eventually(() => expect(heard).toHaveLength(3));
    expect(heard).toEqual(published.map(({ data }) => data!.toString()));
    expect(heard.map((message) => JSON.parse(message).seq)).toEqual([1, 2, 3]);
    await eventually(() => expect(hints.hints.map((hint) => hint?.seq)).toEqual([1, 2, 3]));
    plain.disconnect();
  });

  it('that Redis refuses cost a count, and the hints arrive', async () => {
    const [tenant, hints] = [aTenant(), heardHints()];
    const user = `user-${redis.prefix.slice(5, -1)}`;
    // this user may publish hints, and nothing under the other prefix
    await redis.plain.call('ACL', 'SETUSER', user, 'on', '>word', '+@all', '~*', `&${redis.prefix}alerts:*`);
    const url = new URL(redisUrl());
    [url.username, url.password] = [user, 'word'];
    await redis.bus().subscribe(tenant, hints);
    const bus = redis.bus({ url: url.href, plainPrefix: `${redis.prefix}plain:` });

    await eventually(() => bus.publish([aHint({ tenant_id: tenant, seq: 1 })]));

    await eventually(() => expect(hints.hints.at(-1)?.seq).toBe(1));
    await eventually(async () =>
      expect(await redis.metrics.registry.metrics()).toMatch(/^tocsin_plain_publish_failures_total(\{.*\})? [1-9]/m),
    );
    await redis.plain.call('ACL', 'DELUSER', user);
  });
});

describe('plain messages of other programs on the topics of hints', () => {
  let redis: OwnRedis;
  beforeEach(() => void (redis = new OwnRedis()));
  afterEach(() => redis.close());

  it('are warned of with their topic, and make who listens read the log', async () => {
    const [tenant, heard, lines] = [aTenant(), heardHints(), [] as Record<string, unknown>[]];
    const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
    const topic = topicOf(tenant, redis.prefix);
    await redis.bus({ log: createLogger({ app: 'test', destination }) }).subscribe(tenant, heard);

    await redis.plain.publish(topic, JSON.stringify({ tenant_id: tenant, service: 'oven', title: 'cold' }));
    await redis.plain.publish(topic, 'no JSON');

    await eventually(() => expect(heard.hints).toEqual([undefined, undefined]));
    expect(lines).toEqual([
      expect.objectContaining({ level: 'warn', topic, msg: expect.stringContaining('REDIS_PLAIN=bridge') }),
    ]);
  });

  it('are no warning when they are forged hints, which say nothing of another program', async () => {
    const [tenant, heard, lines] = [aTenant(), heardHints(), [] as string[]];
    const log = createLogger({ app: 'test', destination: { write: (line: string) => void lines.push(line) } });
    await redis.bus({ log }).subscribe(tenant, heard);
    await redis
      .bus({ hintKey: 'another key of at least thirty-two characters' })
      .publish([aHint({ tenant_id: tenant })]);
    await eventually(() => expect(heard.hints).toEqual([undefined]));
    expect(lines).toEqual([]);
  });

  it('are passed over where the bridge takes them; hints are heard as ever', async () => {
    const [tenant, heard, lines] = [aTenant(), heardHints(), [] as string[]];
    const log = createLogger({ app: 'test', destination: { write: (line: string) => void lines.push(line) } });
    const bus = redis.bus({ log, bridgesPlain: true });
    await bus.subscribe(tenant, heard);
    await redis.plain.publish(topicOf(tenant, redis.prefix), '{"title":"cold"}');
    await redis
      .bus({ hintKey: 'another key of at least thirty-two characters' })
      .publish([aHint({ tenant_id: tenant })]);
    await bus.publish([aHint({ tenant_id: tenant, seq: 5 })]);
    await eventually(() => expect(heard.hints.map((hint) => hint?.seq)).toEqual([undefined, 5]));
    expect(lines).toEqual([]);
  });
});
