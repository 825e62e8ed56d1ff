import type { EventLog, Reader, SeenPosition, SeenPositions } from '../ports';
import type { TenantId } from '../tenant';
import { aPlannedEvent, aTenant } from './an-alert';

interface OpenSeenPositions {
  seen: SeenPositions;
  log: EventLog;
  close(): Promise<void>;
}

/**
 * What every `SeenPositions` does without a fault. `open` is called once, so tests use users and tenants of their own.
 */
export function describeSeenPositions(name: string, { open }: { open(): Promise<OpenSeenPositions> }): void {
  describe(`${name} as the record of what was seen`, () => {
    let opened: OpenSeenPositions;
    let user: Reader;
    let users = 0;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => (user = { issuer: '', user_id: `user ${(users += 1)} of ${aTenant()}` }));

    /** A tenant with five entries, and the position of the last one. */
    const tenantWithLog = async (): Promise<SeenPosition> => {
      const tenant_id = aTenant();
      const results = await opened.log.append(Array.from({ length: 5 }, () => aPlannedEvent({ tenant_id })));
      const last = results[4]!;
      return { tenant_id, epoch: last.outcome === 'stored' ? last.event.epoch : '', seq: 5 };
    };
    const of = (...tenants: TenantId[]) => opened.seen.of(user, tenants);

    it('keeps the farthest of each tenant, whichever device says so first, and for each user apart', async () => {
      const [one, two] = [await tenantWithLog(), await tenantWithLog()];
      expect(await of(one.tenant_id, two.tenant_id)).toEqual([]);
      await opened.seen.advance(user, [{ ...one, seq: 3 }, two]);
      await opened.seen.advance(user, [
        { ...two, seq: 2 },
        { ...one, seq: 4 },
      ]);
      expect(await of(two.tenant_id, one.tenant_id)).toEqual([two, { ...one, seq: 4 }]);
      expect(await of(one.tenant_id)).toEqual([{ ...one, seq: 4 }]);
      expect(await opened.seen.of({ ...user, user_id: 'another' }, [one.tenant_id])).toEqual([]);
      expect(await of()).toEqual([]);
      await opened.seen.advance(user, []);
    });

    it("keeps the positions of two issuers' users with one name apart, for any names of the issuers", async () => {
      const one = await tenantWithLog();
      const readers = ['', 'https://one/', 'https://two/', `${user.user_id}`, "'; --"].map((issuer) => ({
        ...user,
        issuer,
      }));
      for (const [seq, reader] of readers.entries()) await opened.seen.advance(reader, [{ ...one, seq }]);
      for (const [seq, reader] of readers.entries())
        expect([reader, await opened.seen.of(reader, [one.tenant_id])]).toEqual([reader, [{ ...one, seq }]]);
      expect(await opened.seen.of({ ...user, issuer: 'https://three/' }, [one.tenant_id])).toEqual([]);
    });

    it('keeps the farthest of many that come at once', async () => {
      const logs = await Promise.all(Array.from({ length: 4 }, tenantWithLog));
      await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          opened.seen.advance(
            user,
            (at % 2 === 0 ? [...logs] : [...logs].reverse()).map((position) => ({ ...position, seq: 1 + (at % 5) })),
          ),
        ),
      );
      expect(await of(...logs.map(({ tenant_id }) => tenant_id))).toEqual(logs);
    });

    it('never stands beyond the newest entry, and knows no history but the present one', async () => {
      const one = await tenantWithLog();
      await opened.seen.advance(user, [{ ...one, seq: 5_000 }]);
      expect(await of(one.tenant_id)).toEqual([one]);
      await opened.seen.advance(user, [
        { ...one, epoch: 'another', seq: 9 },
        { tenant_id: aTenant(), epoch: one.epoch, seq: 1 },
      ]);
      expect(await of(one.tenant_id)).toEqual([one]);
    });
  });
}
