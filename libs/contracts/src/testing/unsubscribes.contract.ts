import type { Subscriber, Unsubscribes } from '../ports';
import { aTenant } from './an-alert';

interface OpenUnsubscribes {
  unsubscribes: Unsubscribes;
  close(): Promise<void>;
}

/** What every `Unsubscribes` does without a fault. `open` is called once, so tests use tenants of their own. */
export function describeUnsubscribes(name: string, { open }: { open(): Promise<OpenUnsubscribes> }): void {
  describe(`${name} as the record of who wants no more messages`, () => {
    let opened: OpenUnsubscribes;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    const ana = (): Subscriber => ({ tenant_id: aTenant(), channel: 'email', address: 'Ana@example.test' });

    it('keeps who said so until it is taken back, and both may be said twice', async () => {
      const one = ana();
      expect(await opened.unsubscribes.has(one)).toBe(false);
      for (const wanted of [true, true, false, false, true]) {
        await (wanted ? opened.unsubscribes.add(one) : opened.unsubscribes.remove(one));
        expect(await opened.unsubscribes.has(one)).toBe(wanted);
      }
    });

    it('takes upper and lower case for the same address', async () => {
      const one = ana();
      await opened.unsubscribes.add(one);
      expect(await opened.unsubscribes.has({ ...one, address: 'ANA@EXAMPLE.TEST' })).toBe(true);
    });

    it('keeps tenants, channels and addresses apart, for any names', async () => {
      const one = { ...ana(), address: `{"a,b'--` };
      await opened.unsubscribes.add(one);
      expect(await opened.unsubscribes.has(one)).toBe(true);
      for (const other of [
        { ...one, tenant_id: aTenant() },
        { ...one, channel: 'push' as const },
        { ...one, address: 'a' },
      ])
        expect([other, await opened.unsubscribes.has(other)]).toEqual([other, false]);
    });

    it('takes the same from many at once', async () => {
      const one = ana();
      await Promise.all(Array.from({ length: 20 }, () => opened.unsubscribes.add(one)));
      expect(await opened.unsubscribes.has(one)).toBe(true);
    });
  });
}
