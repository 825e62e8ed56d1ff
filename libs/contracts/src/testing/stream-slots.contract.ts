import { randomUUID } from 'node:crypto';
import type { StreamHolder, StreamLimits } from '../held-streams';
import type { StreamSlots, TakeResult } from '../ports';
import { aTenant } from './an-alert';
import { eventually } from './eventually';

interface OpenStreamSlots {
  /** Two gateways of one system; where there can only be one, it stands here twice. */
  gateways: readonly [StreamSlots, StreamSlots];
  /** Ends the first gateway as a crash would: it gives nothing back. */
  crashFirst?(): void;
  close(): Promise<void>;
}

interface StreamSlotsUnderTest {
  open(): Promise<OpenStreamSlots>;
  /** How long a dead gateway's slots stay taken, in milliseconds, where a gateway can die alone. */
  lifetimeMs?: number;
}

const noCaps: StreamLimits = { user: 0, tenant: 0, address: 0 };

/** A stream of a user, tenant and address that nobody else has. */
const aStream = (known: Partial<StreamHolder> = {}): StreamHolder => ({
  user: randomUUID(),
  tenant_ids: [aTenant()],
  address: randomUUID(),
  ...known,
});

/** What every `StreamSlots` does while nothing is broken. What it does when its server is away stands in its own spec. */
export function describeStreamSlots(name: string, { open, lifetimeMs }: StreamSlotsUnderTest): void {
  describe(`${name} as stream slots`, () => {
    let opened: OpenStreamSlots;
    let one: StreamSlots;
    let other: StreamSlots;
    beforeEach(async () => {
      opened = await open();
      [one, other] = opened.gateways;
    });
    afterEach(() => opened.close());

    it.each([
      ['user', () => ({ user: randomUUID() })],
      ['tenant', () => ({ tenant_ids: [aTenant()] })],
      ['address', () => ({ address: randomUUID() })],
    ] as const)('hold the cap of a %s across two gateways', async (scope, shared) => {
      const known = shared();
      const limits = { ...noCaps, [scope]: 2 };
      expect(await one.take(aStream(known), limits)).toBe('taken');
      expect(await other.take(aStream(known), limits)).toBe('taken');
      expect(await one.take(aStream(known), limits)).toEqual({ full: scope });
      expect(await other.take(aStream(known), limits)).toEqual({ full: scope });
      expect(await other.take(aStream(shared()), limits)).toBe('taken');
    });

    it('give exactly as many as there are when many are taken at once', async () => {
      const user = randomUUID();
      const limits = { user: 7, tenant: 100, address: 100 };
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) => (index % 2 ? one : other).take(aStream({ user }), limits)),
      );
      expect(answers.filter(isTaken)).toHaveLength(7);
    });

    it('are free again once released, on whichever gateway', async () => {
      const user = randomUUID();
      const limits = { ...noCaps, user: 1 };
      const first = aStream({ user });
      expect(await one.take(first, limits)).toBe('taken');
      expect(await other.take(aStream({ user }), limits)).toEqual({ full: 'user' });

      one.release(first);

      await eventually(async () => expect(await other.take(aStream({ user }), limits)).toBe('taken'));
    });

    it('can be taken by the same gateway in the moment after it released them', async () => {
      const user = randomUUID();
      for (let round = 0; round < 20; round += 1) {
        const stream = aStream({ user });
        expect(await one.take(stream, { ...noCaps, user: 1 })).toBe('taken');
        one.release(stream);
      }
    });

    it('are given back once, however often they are released, and never by a stream that took none', async () => {
      const user = randomUUID();
      const limits = { ...noCaps, user: 2 };
      const [staying, leaving, refused] = [aStream({ user }), aStream({ user }), aStream({ user })];
      expect(await one.take(staying, limits)).toBe('taken');
      expect(await one.take(leaving, limits)).toBe('taken');
      expect(await one.take(refused, limits)).toEqual({ full: 'user' });

      for (const stream of [refused, leaving, leaving, aStream({ user })]) one.release(stream);

      expect(await one.take(aStream({ user }), limits)).toBe('taken');
      expect(await one.take(aStream({ user }), limits)).toEqual({ full: 'user' });
    });

    it('are taken in every scope or in none', async () => {
      const [user, address, full, free] = [randomUUID(), randomUUID(), aTenant(), aTenant()];
      const limits = { user: 1, tenant: 1, address: 1 };
      expect(await one.take(aStream({ tenant_ids: [full] }), limits)).toBe('taken');

      expect(await one.take(aStream({ user, address, tenant_ids: [free, full] }), limits)).toEqual({ full: 'tenant' });

      expect(await other.take(aStream({ user, address, tenant_ids: [free] }), limits)).toBe('taken');
    });

    it('are one a tenant, also where a stream names it twice', async () => {
      const tenant = aTenant();
      const limits = { ...noCaps, tenant: 2 };
      expect(await one.take(aStream({ tenant_ids: [tenant, tenant] }), limits)).toBe('taken');
      expect(await one.take(aStream({ tenant_ids: [tenant] }), limits)).toBe('taken');
      expect(await one.take(aStream({ tenant_ids: [tenant] }), limits)).toEqual({ full: 'tenant' });
    });

    it('are without number where there is no cap', async () => {
      const shared = { user: randomUUID(), tenant_ids: [aTenant()], address: randomUUID() };
      const answers = await Promise.all(Array.from({ length: 50 }, () => one.take(aStream(shared), noCaps)));
      expect(answers.every(isTaken)).toBe(true);
    });

    if (lifetimeMs !== undefined) {
      it('stay taken for as long as their gateway lives, and are free soon after it died', async () => {
        const user = randomUUID();
        const limits = { ...noCaps, user: 3 };
        for (let count = 0; count < 3; count += 1) expect(await one.take(aStream({ user }), limits)).toBe('taken');
        const until = performance.now() + 2 * lifetimeMs;
        await eventually(async () => {
          expect(await other.take(aStream({ user }), limits)).toEqual({ full: 'user' });
          expect(performance.now()).toBeGreaterThan(until);
        }, 4 * lifetimeMs);

        opened.crashFirst!();

        await eventually(
          async () => expect(await other.take(aStream({ user }), limits)).toBe('taken'),
          1.5 * lifetimeMs,
        );
        const more = await Promise.all([1, 2, 3].map(() => other.take(aStream({ user }), limits)));
        expect(more.filter(isTaken)).toHaveLength(2);
      });
    }
  });
}

const isTaken = (answer: TakeResult) => answer === 'taken';
