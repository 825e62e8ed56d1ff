import {
  aHint,
  aTenant,
  describeEventBus,
  describeEventBusOutage,
  eventually,
  heardHints,
} from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { asOwner, openBus } from './testing';

describeEventBus('PostgreSQL', {
  async open() {
    const opened = await openBus();
    const bus = opened.bus();
    // the first one opens the pool, which may take longer than a hint may on a busy machine
    await eventually(() => bus.publish([aHint()]));
    return { bus, close: () => opened.close() };
  },
});

describeEventBusOutage('PostgreSQL', {
  technology: 'postgres',
  async open() {
    const opened = await openBus();
    const proxy = await FaultProxy.to(opened.url);
    const url = proxy.via(opened.url);
    return {
      bus: () => opened.bus(),
      // the pool publishes, and a session of its own listens
      cutOff: (when) => opened.bus(when === 'publishing' ? { poolUrl: url } : { url }),
      proxy,
      gauge: opened.metrics.busUp,
      async close() {
        await opened.close();
        await proxy.close();
      },
    };
  },
});

describe('hints through PostgreSQL', () => {
  let opened: Awaited<ReturnType<typeof openBus>>;
  let proxy: FaultProxy;
  beforeEach(async () => {
    opened = await openBus();
    proxy = await FaultProxy.to(opened.url);
  });
  afterEach(async () => {
    await opened.close();
    await proxy.close();
  });
  const cutOff = () => proxy.via(opened.url);

  it('reach the listeners of another process', async () => {
    const [tenant, heard] = [aTenant(), heardHints()];
    await opened.bus().subscribe(tenant, heard);
    await opened.bus().publish([aHint({ tenant_id: tenant, seq: 7 })]);
    await eventually(() => expect(heard.hints.map((hint) => hint?.seq)).toEqual([7]));
  });

  it('go without their data where a notification is too small for it, and keep their order', async () => {
    const [tenant, heard, bus] = [aTenant('t'.repeat(100)), heardHints(), opened.bus()];
    await bus.subscribe(tenant, heard);
    const lengths = [10, 7_000, 9_000, 60_000, 10];
    await bus.publish(
      lengths.map((length, at) => aHint({ tenant_id: tenant, seq: at + 1, message: 'ü'.repeat(length / 2) })),
    );
    await eventually(() => expect(heard.hints).toHaveLength(5));
    expect(heard.hints.map((hint) => hint?.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(heard.hints.map((hint) => hint?.data !== null)).toEqual([true, false, false, false, true]);
  });

  it('that were forged only cause a read of the event log', async () => {
    const [tenant, heard] = [aTenant(), heardHints()];
    const hintKey = 'a key of at least thirty-two characters';
    await opened.bus({ hintKey }).subscribe(tenant, heard);

    await opened.bus().publish([aHint({ tenant_id: tenant, seq: 99 })]);
    await opened.bus({ hintKey }).publish([aHint({ tenant_id: tenant, seq: 1 })]);

    await eventually(() => expect(heard.hints.map((hint) => hint?.seq)).toEqual([undefined, 1]));
  });

  it.each(['killed by an administrator', 'cut'] as const)(
    'arrive again after the session was %s, and every listener is told that it may have missed some',
    async (how) => {
      const [one, other] = [aTenant(), aTenant()];
      const bus = opened.bus({ url: cutOff() });
      const heard = [heardHints(), heardHints(), heardHints()] as const;
      await bus.subscribe(one, heard[0]);
      await bus.subscribe(one, heard[1]);
      await bus.subscribe(other, heard[2]);
      expect(heard.map(({ resumed }) => resumed)).toEqual([0, 0, 0]);

      if (how === 'cut') proxy.cut();
      else
        await asOwner(
          { url: opened.url },
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'tocsin test session'`,
        );

      await eventually(() => expect(heard.map(({ resumed }) => resumed)).toEqual([1, 1, 1]));
      expect(bus.connected).toBe(true);
      await bus.publish([aHint({ tenant_id: one, seq: 5 })]);
      await eventually(() => expect(heard[0].hints.map((hint) => hint?.seq)).toEqual([5]));
    },
  );
});
