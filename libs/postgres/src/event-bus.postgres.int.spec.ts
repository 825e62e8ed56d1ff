import { aHint, aTenant, describeEventBus, eventually, heardHints } from '@tocsin/contracts/testing';
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

  it('are refused within 500 ms while PostgreSQL is silent, and taken again afterwards', async () => {
    const bus = opened.bus({ poolUrl: cutOff() });
    const tenant = aTenant();
    await eventually(() => bus.publish([aHint({ tenant_id: tenant })]));
    proxy.silence();
    const since = performance.now();
    await expect(bus.publish([aHint({ tenant_id: tenant })])).rejects.toMatchObject({
      name: 'Unavailable',
      role: 'bus',
      technology: 'postgres',
    });
    expect(performance.now() - since).toBeLessThan(700);
    proxy.silence(false);
    await eventually(() => bus.publish([aHint({ tenant_id: tenant })]));
  });

  it('are awaited no longer than 500 ms by who subscribes while PostgreSQL is away; it is told when they arrive', async () => {
    proxy.refuse();
    const bus = opened.bus({ url: cutOff() });
    const [tenant, heard] = [aTenant(), heardHints()];
    const since = performance.now();
    await bus.subscribe(tenant, heard);
    expect(performance.now() - since).toBeLessThan(900);
    expect(bus.connected).toBe(false);

    proxy.refuse(false);
    await eventually(() => expect(heard.resumed).toBe(1));
    expect(bus.connected).toBe(true);
    await bus.publish([aHint({ tenant_id: tenant, seq: 1 })]);
    await eventually(() => expect(heard.hints).toHaveLength(1));
  });

  it('come back from a connection that died in silence within ten seconds', async () => {
    const bus = opened.bus({ url: cutOff() });
    const heard = heardHints();
    await bus.subscribe(aTenant(), heard);
    proxy.silence();
    await eventually(() => expect(bus.connected).toBe(false), 10_000);
    proxy.silence(false);
    await eventually(() => expect(heard.resumed).toBe(1));
  });

  it('are of no concern to a bus that is closed', async () => {
    const bus = opened.bus();
    const heard = heardHints();
    const tenant = aTenant();
    const subscription = await bus.subscribe(tenant, heard);
    bus.close();
    bus.close();
    await bus.publish([aHint({ tenant_id: tenant, seq: 1 })]);
    subscription.close();
    expect(heard.hints).toEqual([]);
  });
});
