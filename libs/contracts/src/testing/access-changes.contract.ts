import { randomUUID } from 'node:crypto';
import { Refused } from '../errors';
import type { AccessChanges, Revocation } from '../ports';
import { aTenant } from './an-alert';

interface OpenAccessChanges {
  accessChanges: AccessChanges;
  close(): Promise<void>;
}

/** What every `AccessChanges` does without a fault. `open` is called once, so tests use users of their own. */
export function describeAccessChanges(name: string, { open }: { open(): Promise<OpenAccessChanges> }): void {
  describe(`${name} as the record of what was taken back`, () => {
    let opened: OpenAccessChanges | undefined;
    let accessChanges: AccessChanges;
    let user: string;
    beforeAll(async () => {
      opened = await open();
      accessChanges = opened.accessChanges;
    }, 60_000);
    beforeEach(() => void (user = `user ${randomUUID()}`));
    afterAll(() => opened?.close());
    const ofUser = (found: readonly Revocation[]) => found.filter(({ user_id }) => user_id === user);
    const lastId = async () => (await everything(accessChanges)).at(-1)?.revocation_id ?? 0;

    it('keeps what was revoked, in its order', async () => {
      await accessChanges.revoke({ user_id: user });
      await accessChanges.revoke({ user_id: user, tenant_id: aTenant('acme') });
      await accessChanges.revoke({ user_id: user, jti: 'Größe; --\'"' });
      await accessChanges.revoke({ user_id: user, issued_before: '2026-01-02T03:04:05.678Z' });
      const found = ofUser(await everything(accessChanges));
      const [revocation_id, created_at] = [
        expect.any(Number) as number,
        expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      ];
      const common = { revocation_id, created_at, user_id: user, tenant_id: null, jti: null, issued_before: null };
      expect(found).toEqual([
        common,
        { ...common, tenant_id: 'acme' },
        { ...common, jti: 'Größe; --\'"' },
        { ...common, issued_before: '2026-01-02T03:04:05.678Z' },
      ]);
      const ids = found.map((revocation) => revocation.revocation_id);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    });

    it('returns what it has stored', async () => {
      const stored = await accessChanges.revoke({ user_id: user, tenant_id: aTenant('acme') });
      expect(ofUser(await everything(accessChanges))).toEqual([stored]);
    });

    it('tells those behind an id, and with them the one of that id', async () => {
      await accessChanges.revoke({ user_id: user, jti: 'one' });
      const place = await lastId();
      expect((await accessChanges.since(place)).at(-1)).toMatchObject({ revocation_id: place, jti: 'one' });
      await accessChanges.revoke({ user_id: user, jti: 'two' });
      await accessChanges.revoke({ user_id: user, jti: 'three' });
      const found = await accessChanges.since(place);
      expect(
        ofUser(found)
          .filter(({ revocation_id }) => revocation_id > place)
          .map(({ jti }) => jti),
      ).toEqual(['two', 'three']);
      expect(found).toContainEqual(expect.objectContaining({ revocation_id: place, jti: 'one' }));
    });

    it('begins with the first revocation when the given id does not exist', async () => {
      await accessChanges.revoke({ user_id: user });
      expect(await accessChanges.since((await lastId()) + 1_000)).toEqual(await accessChanges.since(0));
    });

    it('keeps every one of twenty that are stored at once', async () => {
      const place = await lastId();
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => accessChanges.revoke({ user_id: user, jti: `token ${i}` })),
      );
      const found = ofUser(await accessChanges.since(place));
      expect(new Set(found.map(({ jti }) => jti)).size).toBe(20);
    });

    it('takes the same one twice', async () => {
      for (let i = 0; i < 2; i += 1) await accessChanges.revoke({ user_id: user, jti: 'one' });
      expect(ofUser(await everything(accessChanges)).length).toBeGreaterThanOrEqual(1);
    });

    it('refuses one with two subjects', async () => {
      for (const two of [
        { jti: 'one', tenant_id: aTenant('acme') },
        { jti: 'one', issued_before: '2026-01-02T03:04:05.678Z' },
      ]) {
        await expect(accessChanges.revoke({ user_id: user, ...two })).rejects.toMatchObject({
          name: Refused.name,
          code: 'store_failed',
        });
      }
      expect(ofUser(await everything(accessChanges))).toEqual([]);
    });
  });
}

/** All revocations in force, read page by page. */
async function everything(accessChanges: AccessChanges): Promise<Revocation[]> {
  const all = new Map<number, Revocation>();
  for (let place = 0; ;) {
    const page = await accessChanges.since(place);
    for (const revocation of page) all.set(revocation.revocation_id, revocation);
    const newest = page.at(-1)?.revocation_id ?? 0;
    if (newest <= place) return [...all.values()];
    place = newest;
  }
}
