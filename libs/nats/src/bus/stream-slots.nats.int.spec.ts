import { randomUUID } from 'node:crypto';
import { tenantIdOf, type StreamHolder } from '@tocsin/contracts';
import { describeStreamSlots, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { describeWithNats, natsUrl, OwnNats } from '../testing';
import { SharedLog } from './shared-log';
import { SlotTally } from './slot-tally';
import type { NatsStreamSlots } from './stream-slots.nats';

const LIFETIME_MS = 600;

describeWithNats('NATS', () => {
  const limits = { user: 2, tenant: 0, address: 0 };
  let nats: OwnNats;
  let proxy: FaultProxy;
  beforeEach(async () => {
    nats = await OwnNats.openBus();
    proxy = await FaultProxy.to(natsUrl());
  });
  afterEach(async () => {
    await nats.close();
    await proxy.close();
  });
  const aStream = (user: string): StreamHolder => ({ user, tenant_ids: [tenantIdOf('acme')!], address: '192.0.2.1' });
  const decidedAlone = async () => (await nats.metrics.streamSlotsLocal.get()).values[0]?.value ?? 0;
  /** A gateway that has read the log: until then it counts alone, and its counts follow. */
  const begun = async (options: { url?: string; lifetimeMs?: number } = {}): Promise<NatsStreamSlots> => {
    const slots = nats.slots({ connection: nats.connection(options.url), lifetimeMs: options.lifetimeMs });
    await eventually(async () => {
      const [before, stream] = [await decidedAlone(), aStream(randomUUID())];
      await slots.take(stream, limits);
      slots.release(stream);
      expect(await decidedAlone()).toBe(before);
    });
    return slots;
  };
  /** The counts as every process reads them in the log. */
  const readCounts = () => {
    const connection = nats.connection();
    const tally = new SlotTally();
    const log = new SharedLog(connection, nats.busStreams(connection), 'slots', tally);
    return {
      async of(user: string): Promise<number> {
        await log.append({ gateway: 'reader', closed: true }, 2_000);
        return tally.streamsIn(`user:${user}`, Date.now());
      },
      close: () => log.close(),
    };
  };

  describeStreamSlots('NATS', {
    lifetimeMs: LIFETIME_MS,
    async open() {
      const cutOff = await begun({ url: proxy.via(natsUrl()), lifetimeMs: LIFETIME_MS });
      const gateways = [cutOff, await begun({ lifetimeMs: LIFETIME_MS })] as const;
      return {
        gateways,
        // a killed process sends nothing more: no heartbeat and no release
        crashFirst: () => {
          proxy.refuse();
          proxy.cut();
        },
        close: () => Promise.resolve(),
      };
    },
  });

  describe('stream slots in NATS', () => {
    it.each(['silent', 'gone'] as const)(
      'are counted by each gateway alone while NATS is %s, and by all together afterwards',
      async (how) => {
        const user = randomUUID();
        const [islander, other] = [await begun({ url: proxy.via(natsUrl()) }), await begun()];
        expect(await islander.take(aStream(user), limits)).toBe('taken');
        expect(await other.take(aStream(user), limits)).toBe('taken');
        expect(await islander.take(aStream(user), limits)).toEqual({ full: 'user' });

        if (how === 'silent') proxy.silence();
        else {
          proxy.refuse();
          proxy.cut();
        }
        const alone = aStream(user);
        const since = performance.now();
        expect(await islander.take(alone, limits)).toBe('taken');
        expect(performance.now() - since).toBeLessThan(700);
        expect(await islander.take(aStream(user), limits)).toEqual({ full: 'user' });

        proxy.silence(false);
        proxy.refuse(false);
        const counts = readCounts();
        // three streams are open where two are allowed: no more are admitted until two have ended
        await eventually(async () => expect(await counts.of(user)).toBe(3), 10_000);
        islander.release(alone);
        await eventually(async () => expect(await counts.of(user)).toBe(2));
        expect(await other.take(aStream(user), limits)).toEqual({ full: 'user' });
        await counts.close();
      },
      20_000,
    );

    it('are known to a gateway that starts later', async () => {
      const user = randomUUID();
      const first = await begun();
      for (let count = 0; count < 2; count += 1) expect(await first.take(aStream(user), limits)).toBe('taken');
      expect(await (await begun()).take(aStream(user), limits)).toEqual({ full: 'user' });
    });

    it('are stated again when NATS has lost the log', async () => {
      const user = randomUUID();
      const [one, other] = [await begun({ lifetimeMs: LIFETIME_MS }), await begun({ lifetimeMs: LIFETIME_MS })];
      for (let count = 0; count < 2; count += 1) expect(await one.take(aStream(user), limits)).toBe('taken');
      await nats.manager.streams.delete(`${nats.prefix}bus-counts`);
      await eventually(async () => {
        const stream = aStream(user);
        const taken = await other.take(stream, limits);
        other.release(stream);
        expect(taken).toEqual({ full: 'user' });
      });
    });

    it('are free at once when their gateway closes', async () => {
      const user = randomUUID();
      const [closing, staying] = [await begun(), await begun()];
      for (let count = 0; count < 2; count += 1) expect(await closing.take(aStream(user), limits)).toBe('taken');
      await closing.close();
      await closing.close();
      expect(await staying.take(aStream(user), limits)).toBe('taken');
    });

    it('agree with what is held after any disorder of takes, releases and cuts', async () => {
      const users = Array.from({ length: 5 }, () => randomUUID());
      const slots = await begun({ url: proxy.via(natsUrl()), lifetimeMs: 300 });
      const generous = { user: 1_000, tenant: 0, address: 0 };
      const held: StreamHolder[] = [];
      for (let round = 0; round < 60; round += 1) {
        if (round % 15 === 7) proxy.cut();
        const taking = users.map((user) => aStream(user));
        const answers = Promise.all(taking.map((stream) => slots.take(stream, generous)));
        for (const stream of held.splice(0, round % 7)) slots.release(stream);
        expect(new Set(await answers)).toEqual(new Set(['taken']));
        held.push(...taking);
      }
      const counts = readCounts();
      for (const user of users) {
        const expected = held.filter(({ user: whose }) => whose === user).length;
        await eventually(async () => expect(await counts.of(user)).toBe(expected));
      }
      await counts.close();
    }, 30_000);
  });
});
