import {
  aHint,
  aTenant,
  describeEventBus,
  describeEventBusOutage,
  eventually,
  heardHints,
} from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { describeWithNats, natsUrl, OwnNats } from '../testing';

describeWithNats('NATS', () => {
  describeEventBus('NATS', {
    async open() {
      const nats = await OwnNats.openBus();
      const bus = nats.bus();
      // the first one opens the connection, which may take longer than a hint may on a busy machine
      await eventually(() => bus.publish([aHint()]));
      return { bus, close: () => nats.close() };
    },
  });

  describeEventBusOutage('NATS', {
    technology: 'nats',
    async open() {
      const nats = await OwnNats.openBus();
      const proxy = await FaultProxy.to(natsUrl());
      return {
        bus: () => nats.bus(),
        cutOff: () => nats.bus({ url: proxy.via(natsUrl()) }),
        proxy,
        gauge: nats.metrics.busUp,
        async close() {
          await nats.close();
          await proxy.close();
        },
      };
    },
  });

  describe('hints through NATS', () => {
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
    const cutOff = () => proxy.via(natsUrl());

    it('are published on hints.<tenant>, where a dot of the tenant is a tilde', async () => {
      const tenant = aTenant(`${aTenant()}..eu.`);
      const subjects: string[] = [];
      const heard = heardHints();
      nats.plain.subscribe(`${nats.prefix}hints.*`, { callback: (_, { subject }) => void subjects.push(subject) });
      await nats.plain.flush();
      const bus = nats.bus();
      await bus.subscribe(tenant, heard);
      await bus.publish([aHint({ tenant_id: tenant, seq: 7 })]);
      await eventually(() => expect(heard.hints.map((hint) => hint?.seq)).toEqual([7]));
      await eventually(() => expect(subjects).toEqual([`${nats.prefix}hints.${tenant.replaceAll('.', '~')}`]));
    });

    it('go without their data beyond 16 KiB, and keep their order', async () => {
      const [tenant, heard, bus] = [aTenant(), heardHints(), nats.bus()];
      await bus.subscribe(tenant, heard);
      const lengths = [10, 15_000, 17_000, 10];
      await bus.publish(
        lengths.map((length, at) => aHint({ tenant_id: tenant, seq: at + 1, message: 'x'.repeat(length) })),
      );
      await eventually(() => expect(heard.hints).toHaveLength(4));
      expect(heard.hints.map((hint) => hint?.seq)).toEqual([1, 2, 3, 4]);
      expect(heard.hints.map((hint) => hint?.data !== null)).toEqual([true, true, false, true]);
    });

    it('that were forged, or are larger than any, only cause a read of the event log', async () => {
      const [tenant, heard] = [aTenant(), heardHints()];
      const hintKey = 'a key of at least thirty-two characters';
      await nats.bus({ hintKey }).subscribe(tenant, heard);
      await nats.bus().publish([aHint({ tenant_id: tenant, seq: 99 })]);
      await eventually(() => expect(heard.hints).toEqual([undefined]));
      nats.plain.publish(`${nats.prefix}hints.${tenant}`, Buffer.alloc(512 * 1024, 'x'));
      await eventually(() => expect(heard.hints).toEqual([undefined, undefined]));
      await nats.bus({ hintKey }).publish([aHint({ tenant_id: tenant, seq: 1 })]);
      await eventually(() => expect(heard.hints.at(-1)?.seq).toBe(1));
    });

    it('arrive again after the connection was cut, and every listener is told that it may have missed some', async () => {
      const [one, other] = [aTenant(), aTenant()];
      const bus = nats.bus({ url: cutOff() });
      const heard = [heardHints(), heardHints(), heardHints()] as const;
      await bus.subscribe(one, heard[0]);
      await bus.subscribe(one, heard[1]);
      await bus.subscribe(other, heard[2]);
      expect(heard.map(({ resumed }) => resumed)).toEqual([0, 0, 0]);

      proxy.cut();

      await eventually(() => expect(heard.map(({ resumed }) => resumed)).toEqual([1, 1, 1]));
      expect(bus.connected).toBe(true);
      await bus.publish([aHint({ tenant_id: one, seq: 5 })]);
      await eventually(() => expect(heard[0].hints.map((hint) => hint?.seq)).toEqual([5]));
      expect((await nats.metrics.busSubscriberReconnects.get()).values[0]!.value).toBe(1);
    });

    it('are refused at once while NATS is away', async () => {
      const bus = nats.bus({ url: cutOff() });
      const hint = aHint({ tenant_id: aTenant() });
      await eventually(() => bus.publish([hint]));
      proxy.refuse();
      proxy.cut();
      await eventually(() => expect(bus.connected).toBe(false));
      const since = performance.now();
      await expect(bus.publish([hint])).rejects.toMatchObject({ name: 'Unavailable', role: 'bus', technology: 'nats' });
      expect(performance.now() - since).toBeLessThan(100);
      proxy.refuse(false);
      await eventually(() => bus.publish([hint]));
    });
  });
});
