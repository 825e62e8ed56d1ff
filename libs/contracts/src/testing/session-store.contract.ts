import { randomUUID } from 'node:crypto';
import type { SessionStore } from '../ports';

interface OpenSessionStore {
  sessions: SessionStore;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** What every `SessionStore` does. */
export function describeSessionStore(name: string, { open }: { open(): Promise<OpenSessionStore> }): void {
  describe(`${name} as a session store`, () => {
    let opened: OpenSessionStore;
    let sessions: SessionStore;
    beforeAll(async () => {
      opened = await open();
      sessions = opened.sessions;
    });
    afterAll(() => opened?.close());
    const created = async (lastsMs = HOUR_MS) => {
      const id = randomUUID();
      await sessions.create(id, 'sealed', lastsMs);
      return id;
    };

    it('finds a session by its id, with its times, and no other', async () => {
      const before = Date.now();
      const id = await created();
      const found = await sessions.use(id, HOUR_MS);
      expect(found).toMatchObject({ sealed: 'sealed', version: 1 });
      expect(found!.ends_at - found!.signed_in_at).toBeGreaterThanOrEqual(HOUR_MS - 1);
      expect(Math.abs(found!.signed_in_at - before)).toBeLessThan(60_000);
      for (const other of [randomUUID(), '', `${id} `, id.toUpperCase()])
        expect(await sessions.use(other, HOUR_MS)).toBeUndefined();
    });

    it('ends a session after its time, although it is used', async () => {
      const id = await created(0);
      expect(await sessions.use(id, HOUR_MS)).toBeUndefined();
    });

    it('ends a session that was not used for the idle time', async () => {
      const id = await created();
      expect(await sessions.use(id, HOUR_MS)).toBeDefined();
      expect(await sessions.use(id, 0)).toBeUndefined();
    });

    it('lets one of twenty renew a version at the same time, and the next one when the lease is over', async () => {
      const id = await created();
      const claims = await Promise.all(Array.from({ length: 20 }, () => sessions.claimRenewal(id, 1, HOUR_MS)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      const other = await created();
      expect(await sessions.claimRenewal(other, 1, 0)).toBe(true);
      expect(await sessions.claimRenewal(other, 1, HOUR_MS)).toBe(true);
      expect(await sessions.claimRenewal(other, 1, HOUR_MS)).toBe(false);
    });

    it('stores new tokens in place of the version that they replace, and frees the next renewal', async () => {
      const id = await created();
      expect(await sessions.claimRenewal(id, 1, HOUR_MS)).toBe(true);
      expect(await sessions.renew(id, 1, 'new')).toBe(true);
      expect(await sessions.renew(id, 1, 'late')).toBe(false);
      expect(await sessions.use(id, HOUR_MS)).toMatchObject({ sealed: 'new', version: 2 });
      expect(await sessions.claimRenewal(id, 1, HOUR_MS)).toBe(false);
      expect(await sessions.claimRenewal(id, 2, HOUR_MS)).toBe(true);
    });

    it('ends a session for good, and may be asked to twice', async () => {
      const id = await created();
      await sessions.end(id);
      await sessions.end(id);
      expect(await sessions.use(id, HOUR_MS)).toBeUndefined();
      expect(await sessions.renew(id, 1, 'new')).toBe(false);
      expect(await sessions.claimRenewal(id, 1, HOUR_MS)).toBe(false);
    });
  });
}
