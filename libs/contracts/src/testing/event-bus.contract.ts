import type { EventBus } from '../ports';
import { aHint, aTenant } from './an-alert';
import { eventually } from './eventually';
import { heardHints } from './heard-hints';

interface OpenEventBus {
  bus: EventBus;
  close(): Promise<void>;
}

/** What every `EventBus` does without a fault; `describeEventBusOutage` has what it does while its server is away. */
export function describeEventBus(name: string, { open }: { open(): Promise<OpenEventBus> }): void {
  describe(`${name} as an event bus`, () => {
    let opened: OpenEventBus | undefined;
    let bus: EventBus;
    beforeEach(async () => {
      opened = await open();
      bus = opened.bus;
    });
    afterEach(() => opened?.close());

    it('hands a hint over as it was published, its data byte for byte', async () => {
      const tenant = aTenant();
      const heard = heardHints();
      await bus.subscribe(tenant, heard);
      const hint = aHint({
        tenant_id: tenant,
        seq: 7,
        title: 'Größe ≠ 🥐 "quoted"',
        previous: { status: 'firing', severity: 'low' },
      });

      await bus.publish([hint]);

      await eventually(() => expect(heard.hints).toHaveLength(1));
      const { tenant_id: _, ...expected } = hint;
      expect(heard.hints[0]).toEqual(expected);
      expect(heard.hints[0]!.data!.equals(hint.data!)).toBe(true);
    });

    it('keeps the order of one publish, and hands over a hint without data', async () => {
      const tenant = aTenant();
      const heard = heardHints();
      await bus.subscribe(tenant, heard);

      const hints = Array.from({ length: 200 }, (_, index) => aHint({ tenant_id: tenant, seq: index + 1 }));
      await bus.publish(hints.map((hint, index) => (index % 2 ? { ...hint, data: null } : hint)));

      await eventually(() => expect(heard.hints).toHaveLength(200));
      expect(heard.hints.map((hint) => hint?.seq)).toEqual(hints.map(({ seq }) => seq));
      expect(heard.hints[0]!.data).not.toBeNull();
      expect(heard.hints[1]!.data).toBeNull();
    });

    it('carries a hint to its own tenant alone, also where one name begins or matches another', async () => {
      const stem = aTenant();
      const tenants = [stem, aTenant(`${stem}.eu`), aTenant(`${stem}-`), aTenant(stem.toUpperCase())];
      const heard = tenants.map(() => heardHints());
      for (const [index, tenant] of tenants.entries()) await bus.subscribe(tenant, heard[index]!);

      await bus.publish(tenants.map((tenant, index) => aHint({ tenant_id: tenant, seq: index + 1 })));

      await eventually(() => heard.forEach(({ hints }) => expect(hints.length).toBeGreaterThan(0)));
      expect(heard.map(({ hints }) => hints.map((hint) => hint?.seq))).toEqual([[1], [2], [3], [4]]);
    });

    it('serves several listeners of a tenant, and one that ends leaves the others', async () => {
      const tenant = aTenant();
      const [leaving, staying] = [heardHints(), heardHints()];
      const subscription = await bus.subscribe(tenant, leaving);
      await bus.subscribe(tenant, staying);
      await bus.publish([aHint({ tenant_id: tenant, seq: 1 })]);
      await eventually(() => expect([leaving.hints.length, staying.hints.length]).toEqual([1, 1]));

      subscription.close();
      subscription.close();
      await bus.publish([aHint({ tenant_id: tenant, seq: 2 })]);

      await eventually(() => expect(staying.hints).toHaveLength(2));
      expect(leaving.hints).toHaveLength(1);
    });

    it('hears again after its only listener ended and another came', async () => {
      const tenant = aTenant();
      const [first, second] = [heardHints(), heardHints()];
      (await bus.subscribe(tenant, first)).close();
      await bus.subscribe(tenant, second);

      await bus.publish([aHint({ tenant_id: tenant, seq: 3 })]);

      await eventually(() => expect(second.hints).toHaveLength(1));
      expect(first.hints).toHaveLength(0);
    });

    it('is connected, and accepts hints without a listener, and an empty list', async () => {
      expect(bus.connected).toBe(true);
      await expect(bus.publish([aHint({ tenant_id: aTenant() })])).resolves.toBeUndefined();
      await expect(bus.publish([])).resolves.toBeUndefined();
    });
  });
}
