import type { ClaimedDelivery, Settlement } from '../../delivery';
import type { DeliveryStatus } from '../../wire';
import { aTenant } from '../an-alert';
import { eventually } from '../eventually';
import { SHORT_MS, SOON_MS, AT_MOST_ONCE, TO_ANA, idOf, sent, again, type QueueSteps } from './opened-queue';

/** What a settlement changes. */
export function describeSettling({
  tell,
  claim,
  claimOne,
  beginOne,
  leaseEnded,
  standingOne,
  opened,
}: QueueSteps): void {
  describe('a settlement', () => {
    it.each([
      ['sent', { outcome: 'sent', answer: '250 \0 ok', provider_id: 'p' }, null],
      ['failed', { outcome: 'failed', reason: 'rejected', answer: '550 no' }, 'rejected'],
      ['unknown', { outcome: 'unknown', reason: 'connection_lost', answer: null }, 'connection_lost'],
    ] as const)('as %s ends the delivery and is on record', async (status, settlement, reason) => {
      const tenant = aTenant();
      await tell(tenant);
      const claimed = await claimOne();
      expect(await opened().queue.settle([{ ...idOf(claimed), ...settlement }])).toEqual([status]);
      const { attempts, ...standing } = await standingOne(tenant);
      expect(standing).toMatchObject({ status, reason, settled: true });
      expect(attempts).toEqual([
        {
          attempt: 1,
          outcome: status,
          reason,
          answer: settlement.answer?.replace('\0', '\ufffd') ?? null,
          provider_id: status === 'sent' ? 'p' : null,
        },
      ]);
      expect(await claim({}, opened().other)).toEqual([]);
    });

    it('as retry lets another attempt follow after the time that it tells', async () => {
      const tenant = aTenant();
      await tell(tenant);
      const first = await claimOne();
      expect(await opened().queue.settle([again(first, SOON_MS)])).toEqual(['pending']);
      const second = await eventually(() => claimOne({}, opened().other));
      expect(second).toMatchObject({ delivery_id: first.delivery_id, attempt: 2 });
      expect(await opened().other.settle([again(second, 3_600_000)])).toEqual(['pending']);
      expect(await claim()).toEqual([]);
      expect(await standingOne(tenant)).toMatchObject({
        status: 'pending',
        settled: false,
        attempts: [1, 2].map((attempt) => ({ attempt, outcome: 'retry', reason: 'provider_error', answer: '503' })),
      });
    });

    it('without an attempt takes the number back', async () => {
      const tenant = aTenant();
      await tell(tenant);
      const first = await claimOne();
      expect(await opened().queue.settle([{ ...idOf(first), outcome: 'released', again_in_ms: 0 }])).toEqual([
        'pending',
      ]);
      const second = await eventually(() => claimOne());
      expect(second).toMatchObject({ delivery_id: first.delivery_id, attempt: 1 });
      expect(await opened().queue.settle([{ ...idOf(second), outcome: 'expired', reason: 'too_old' }])).toEqual([
        'expired',
      ]);
      expect(await standingOne(tenant)).toMatchObject({ status: 'expired', reason: 'too_old', attempts: [] });
    });

    it('of an attempt that a later claim has replaced changes nothing', async () => {
      const tenant = aTenant();
      await tell(tenant);
      const first = await claimOne({ leaseMs: SHORT_MS });
      await leaseEnded();
      const second = await claimOne({}, opened().other);
      expect(await opened().queue.settle([sent(first)])).toEqual(['stale']);
      expect(await standingOne(tenant)).toMatchObject({ status: 'pending' });
      expect(await opened().other.settle([again(second, 3_600_000)])).toEqual(['pending']);
      expect(await opened().queue.settle([sent(first)])).toEqual(['stale']);
      expect((await standingOne(tenant)).attempts.map(({ outcome }) => outcome)).toEqual(['unknown', 'retry']);
    });

    it('of a worker whose lease has ended counts while no other worker has the delivery', async () => {
      const tenant = aTenant();
      await tell(tenant);
      const claimed = await claimOne({ leaseMs: SHORT_MS });
      await leaseEnded();
      expect(await opened().queue.settle([sent(claimed)])).toEqual(['sent']);
      expect(await standingOne(tenant)).toMatchObject({
        status: 'sent',
        attempts: [{ attempt: 1, outcome: 'sent' }],
      });
    });

    it.each([
      ['sent', 'sent', sent],
      ['failed', 'failed', (one) => ({ ...idOf(one), outcome: 'failed', reason: 'rejected', answer: null })],
      ['expired', 'expired', (one) => ({ ...idOf(one), outcome: 'expired', reason: 'too_old' })],
    ] as [string, DeliveryStatus, (one: ClaimedDelivery) => Settlement][])(
      'as %s of a worker that is back replaces unknown',
      async (_, status, settlement) => {
        const tenant = aTenant();
        await tell(tenant);
        const claimed = await beginOne();
        await leaseEnded();
        expect(await opened().other.claim('email', AT_MOST_ONCE)).toMatchObject({ lost: 1 });
        expect(await opened().queue.settle([settlement(claimed)])).toEqual([status]);
        expect(await opened().queue.settle([settlement(claimed)])).toEqual([status]);
        const { status: standing, attempts } = await standingOne(tenant);
        expect(standing).toBe(status);
        expect(attempts.map(({ outcome }) => outcome)).toEqual(status === 'expired' ? [] : [status]);
      },
    );

    it.each([
      ['retry', 2, (one: ClaimedDelivery) => again(one)],
      ['released', 1, (one: ClaimedDelivery): Settlement => ({ ...idOf(one), outcome: 'released', again_in_ms: 0 })],
    ] as const)('as %s of a worker that is back lets an unknown delivery be sent', async (_, attempt, settlement) => {
      const tenant = aTenant();
      await tell(tenant);
      const claimed = await beginOne();
      await leaseEnded();
      expect(await opened().other.claim('email', AT_MOST_ONCE)).toMatchObject({ lost: 1 });
      expect(await opened().queue.settle([settlement(claimed)])).toEqual(['pending']);
      expect(await standingOne(tenant)).toMatchObject({ status: 'pending', reason: null, settled: false });
      expect(await eventually(() => claimOne(AT_MOST_ONCE))).toMatchObject({ attempt });
    });

    it('may be repeated', async () => {
      const tenant = aTenant();
      await tell(tenant, [TO_ANA, { channel: 'email', recipient: 'bo@example.com' }]);
      const [one, two] = await claim();
      const settlements = [sent(one!), again(two!, 3_600_000)];
      expect(await opened().queue.settle(settlements)).toEqual(['sent', 'pending']);
      const before = await opened().standing(tenant);
      expect(await opened().queue.settle([...settlements, ...settlements])).toEqual([
        'sent',
        'pending',
        'sent',
        'pending',
      ]);
      expect(await opened().standing(tenant)).toEqual(before);
      expect(await opened().queue.settle([])).toEqual([]);
    });

    it("as released, when it is repeated, does not release another worker's attempt of the same number", async () => {
      const tenant = aTenant();
      await tell(tenant);
      const released: Settlement = { ...idOf(await claimOne()), outcome: 'released', again_in_ms: 0 };
      expect(await opened().queue.settle([released])).toEqual(['pending']);
      const second = await eventually(() => claimOne({}, opened().other));
      expect(second.attempt).toBe(1);
      expect(await opened().queue.settle([released])).toEqual(['stale']);
      expect(await claim()).toEqual([]);
      expect(await opened().other.settle([sent(second)])).toEqual(['sent']);
    });

    it('tells the status of each, in the order of the settlements', async () => {
      const tenants = Array.from({ length: 40 }, () => aTenant());
      for (const tenant of tenants) await tell(tenant);
      const claimed = await claim();
      expect(claimed).toHaveLength(40);
      const shuffled = claimed.toSorted((a, b) => a.delivery_id.localeCompare(b.delivery_id));
      const settlements = shuffled.map((one, at) => (at % 3 === 0 ? sent(one) : again(one, 3_600_000)));
      expect(await opened().queue.settle(settlements)).toEqual(
        settlements.map(({ outcome }) => (outcome === 'sent' ? 'sent' : 'pending')),
      );
    });
  });
}
