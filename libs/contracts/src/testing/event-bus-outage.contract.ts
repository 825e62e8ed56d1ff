import type { EventBus } from '../ports';
import { aHint, aTenant } from './an-alert';
import { eventually } from './eventually';
import { heardHints } from './heard-hints';

type ClosableBus = EventBus & { close(): void };

interface OpenEventBuses {
  /** A bus with connections of its own, as a process has. */
  bus(): ClosableBus;
  /** One whose server is reached through the proxy when it publishes, or when it subscribes. */
  cutOff(when: 'publishing' | 'subscribing'): ClosableBus;
  /** `silence`: nothing passes, and nothing ends. `refuse`: no new connection is taken. */
  proxy: { silence(on?: boolean): void; refuse(on?: boolean): void };
  /** The gauge of the buses: 1 while hints can arrive. */
  gauge: { get(): Promise<{ values: readonly { value: number }[] }> };
  close(): Promise<void>;
}

/** What every `EventBus` with a server does while that is silent or away, and when it is closed itself. */
export function describeEventBusOutage(
  name: string,
  { technology, open }: { technology: string; open(): Promise<OpenEventBuses> },
): void {
  describe(`${name} as an event bus in an outage`, () => {
    let opened: OpenEventBuses;
    beforeEach(async () => void (opened = await open()));
    afterEach(() => opened?.close());

    it('refuses hints within 500 ms while its server is silent, and takes them again afterwards', async () => {
      const bus = opened.cutOff('publishing');
      const hint = aHint({ tenant_id: aTenant() });
      await eventually(() => bus.publish([hint]));
      opened.proxy.silence();
      const since = performance.now();
      await expect(bus.publish([hint])).rejects.toMatchObject({ name: 'Unavailable', role: 'bus', technology });
      expect(performance.now() - since).toBeLessThan(700);
      opened.proxy.silence(false);
      await eventually(() => bus.publish([hint]));
    });

    const gaugeIs = (expected: number) =>
      eventually(async () => expect((await opened.gauge.get()).values.map(({ value }) => value)).toEqual([expected]));

    it('lets a subscriber wait 500 ms at most while its server is away, and tells it when hints arrive', async () => {
      opened.proxy.refuse();
      const bus = opened.cutOff('subscribing');
      const [tenant, heard] = [aTenant(), heardHints()];
      const since = performance.now();
      await bus.subscribe(tenant, heard);
      expect(performance.now() - since).toBeLessThan(900);
      expect(bus.connected).toBe(false);
      await gaugeIs(0);

      opened.proxy.refuse(false);
      await eventually(() => expect(heard.resumed).toBe(1));
      expect(bus.connected).toBe(true);
      await gaugeIs(1);
      await bus.publish([aHint({ tenant_id: tenant, seq: 1 })]);
      await eventually(() => expect(heard.hints).toHaveLength(1));
    });

    it('finds out within ten seconds that its connection died in silence, and comes back', async () => {
      const bus = opened.cutOff('subscribing');
      const heard = heardHints();
      await bus.subscribe(aTenant(), heard);
      opened.proxy.silence();
      await eventually(() => expect(bus.connected).toBe(false), 10_000);
      opened.proxy.silence(false);
      await eventually(() => expect(heard.resumed).toBe(1));
    });

    it('hands hints to a tenant that was left and subscribed to again at once', async () => {
      const bus = opened.bus();
      const [tenant, heard] = [aTenant(), heardHints()];
      for (let round = 0; round < 50; round += 1) {
        const subscribing = bus.subscribe(tenant, heardHints());
        void subscribing.then((subscription) => subscription.close());
        (await bus.subscribe(tenant, heardHints())).close();
      }
      await bus.subscribe(tenant, heard);
      await bus.publish([aHint({ tenant_id: tenant, seq: 1 })]);
      await eventually(() => expect(heard.hints).toHaveLength(1));
    });

    it('hands over nothing when it is closed, which it may be twice', async () => {
      const [bus, tenant, heard] = [opened.bus(), aTenant(), heardHints()];
      const subscription = await bus.subscribe(tenant, heard);
      bus.close();
      bus.close();
      subscription.close();
      await opened.bus().publish([aHint({ tenant_id: tenant, seq: 1 })]);
      expect(heard.hints).toEqual([]);
    });
  });
}
