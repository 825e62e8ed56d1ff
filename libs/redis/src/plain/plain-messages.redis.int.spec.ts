import { encodeHint, encodeSignedHints, topicOf } from '@tocsin/contracts';
import { aHint, aTenant, describePlainMessages, eventually, Taken } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { createLogger } from '@tocsin/observability';
import { DocumentedUser } from '../testing/documented-user';
import { OwnRedis, redisUrl } from '../testing/own-redis';

describePlainMessages('Redis', {
  async open() {
    const redis = new OwnRedis();
    return {
      process: () => redis.plainMessages(),
      publish: (tenant, body) => redis.plain.publish(topicOf(tenant, redis.prefix), body),
      close: () => redis.close(),
    };
  },
});

describe('plain messages from Redis', () => {
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
  const throughProxy = () => redis.plainMessages(proxy.via(redisUrl()));

  it('are heard under both prefixes; hints, and topics that name no tenant, are passed over', async () => {
    const [process, taken, tenant] = [redis.plainMessages(), new Taken(), aTenant()];
    process.listen(taken.take);
    await eventually(() => expect(process.taking).toBe(true));
    const topic = topicOf(tenant, redis.prefix);
    const { tenant_id: _, ...hint } = aHint({ tenant_id: tenant });
    await redis.bus().publish([aHint({ tenant_id: tenant })]);
    await redis.plain.publish(topic, encodeSignedHints(topic, [encodeHint(hint)]));
    await redis.plain.publish(topicOf('of:something:else', redis.prefix), '{}');
    await redis.plain.publish(topicOf(tenant, `${redis.prefix}other:`), '{}');
    await redis.plain.publish(topic, '{"n":1}');
    await redis.plain.publish(topicOf(tenant, `${redis.prefix}plain:`), '{"n":2}');
    await eventually(() => expect(taken.messages).toHaveLength(2));
    expect(taken.bodies).toEqual(['{"n":1}', '{"n":2}']);
  });

  it('are taken by another process within seconds when the one that took them is cut off', async () => {
    const [first, second, taken, tenant] = [throughProxy(), redis.plainMessages(), new Taken(), aTenant()];
    first.listen(taken.take);
    await eventually(() => expect(first.taking).toBe(true));
    second.listen(taken.take);

    const cutAt = performance.now();
    proxy.refuse();
    proxy.cut();
    await eventually(() => expect([first.taking, second.taking]).toEqual([false, true]), 10_000);
    expect(performance.now() - cutAt).toBeLessThan(6_000);

    proxy.refuse(false);
    await eventually(() => expect(first.listening).toBe(true));
    await redis.plain.publish(topicOf(tenant, redis.prefix), '{}');
    await eventually(() => expect(taken.messages).toHaveLength(1));
    expect([first.taking, second.taking]).toEqual([false, true]);
  });

  it('are taken again by the same process when its connection was cut, and it is alone', async () => {
    const [process, taken, tenant] = [throughProxy(), new Taken(), aTenant()];
    process.listen(taken.take);
    await eventually(() => expect(process.taking).toBe(true));
    proxy.cut();
    await eventually(() => expect(process.taking).toBe(false));
    await eventually(() => expect(process.taking).toBe(true), 10_000);
    await redis.plain.publish(topicOf(tenant, redis.prefix), '{}');
    await eventually(() => expect(taken.messages).toHaveLength(1));
  });

  it('are taken again within seconds when the subscriber of the process that took them dies in silence', async () => {
    const [first, second, taken, tenant] = [throughProxy(), redis.plainMessages(), new Taken(), aTenant()];
    first.listen(taken.take);
    await eventually(() => expect(first.taking).toBe(true));
    second.listen(taken.take);
    await eventually(() => expect(second.listening).toBe(true));
    // it could renew its lease, and would hear nothing
    for (const subscriber of proxy.thatSent('tocsin-plain')) subscriber.blackhole();
    await eventually(async () => {
      await redis.plain.publish(topicOf(tenant, redis.prefix), '{}');
      expect(taken.messages).not.toHaveLength(0);
    }, 15_000);
  });

  it('are never taken twice by a process that is behind when another one takes over', async () => {
    const [first, second, tenant] = [throughProxy(), redis.plainMessages(), aTenant()];
    const [byFirst, bySecond] = [new Taken(), new Taken()];
    first.listen(byFirst.take);
    await eventually(() => expect(first.taking).toBe(true));
    second.listen(bySecond.take);
    await eventually(() => expect(second.listening).toBe(true));
    const topic = topicOf(tenant, redis.prefix);

    // as after a long turn of its event loop: it reads late, and its lease is gone
    for (const subscriber of proxy.thatSent('tocsin-plain')) subscriber.latency(1_500, 'to_client');
    for (const commands of proxy.thatSent('tocsin-commands')) commands.blackhole();
    await redis.plain.publish(topic, '{"n":1}');
    await redis.plain.del(`${redis.prefix}plain:lease`);
    await eventually(() => expect(second.taking).toBe(true), 10_000);
    await redis.plain.publish(topic, '{"n":2}');
    await eventually(() => expect(bySecond.bodies).toEqual(['{"n":2}']));

    await eventually(() => expect(first.taking).toBe(false));
    await redis.plain.publish(topic, '{"n":3}');
    await eventually(() => expect(bySecond.bodies).toEqual(['{"n":2}', '{"n":3}']));
    // it had its part: what came before the other one's mark, and nothing after it
    expect(byFirst.bodies).toEqual(['{"n":1}']);
  });

  it('are heard too when Tocsin itself publishes them: who reads them recognises an entry', async () => {
    const [process, taken, tenant] = [redis.plainMessages(), new Taken(), aTenant()];
    process.listen(taken.take);
    await eventually(() => expect(process.taking).toBe(true));
    const hint = aHint({ tenant_id: tenant });
    await redis.bus({ plainPrefix: `${redis.prefix}plain:` }).publish([hint]);
    await eventually(() => expect(taken.bodies).toEqual([hint.data!.toString()]));
  });

  describe('for a user with the rights of the documents', () => {
    let user: DocumentedUser;
    beforeEach(async () => void (user = await DocumentedUser.of('engines.md', redis.prefix)));
    afterEach(() => user.remove());

    it('are taken and handed over, and nothing is refused', async () => {
      const [first, taken, tenant] = [redis.plainMessages(user.url), new Taken(), aTenant()];
      first.listen(taken.take);
      await eventually(() => expect(first.taking).toBe(true));
      for (const prefix of [redis.prefix, `${redis.prefix}plain:`])
        await redis.plain.publish(topicOf(tenant, prefix), '{}');
      await eventually(() => expect(taken.messages).toHaveLength(2));

      const second = redis.plainMessages(user.url);
      second.listen(taken.take);
      await eventually(() => expect(second.listening).toBe(true));
      await first.stop();
      await eventually(() => expect(second.taking).toBe(true), 20_000);

      // what a processor publishes beside them
      await redis.bus({ url: user.url }).publish([aHint({ tenant_id: tenant })]);
      await redis.doorbell(user.url).ring();
      expect(await user.refused()).toEqual([]);
    });

    it.each(['-eval', '-get', '-psubscribe', '-subscribe', 'resetchannels'])(
      'are not taken without one of them (%s), which the log says once',
      async (missing) => {
        await user.lose(missing);
        const log = createLogger({ app: 'test', level: 'silent' });
        const warn = jest.spyOn(log, 'warn');
        const process = redis.plainMessages(user.url, log);
        process.listen(() => undefined);
        await eventually(() => expect(warn).toHaveBeenCalledTimes(1), 20_000);
        await user.regain();
        await eventually(() => expect(process.taking).toBe(true), 20_000);
        expect(warn.mock.calls).toEqual([
          [
            { err: expect.objectContaining({ name: 'ReplyError' }) as Error },
            'plain messages are not taken: Redis refuses what that needs',
          ],
        ]);
      },
    );
  });
});
