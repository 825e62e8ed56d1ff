import type { Settlement } from '../../delivery';
import { aTenant } from '../an-alert';
import { eventually } from '../eventually';
import { LEASE_MS, SHORT_MS, AT_MOST_ONCE, TO_ANA, idOf, sent, again, type QueueSteps } from './opened-queue';

/** What holds for deliveries whose repetition does harm. */
export function describeSentOnce({ tell, claim, claimOne, leaseEnded, standingOne, act, opened }: QueueSteps): void {
  describe('a delivery that may be sent only once', () => {
    it('is claimed again when its worker is lost before the attempt was begun, as if nothing had happened', async () => {
      const tenant = aTenant();
      await tell(tenant);
      const first = await claimOne({ ...AT_MOST_ONCE, leaseMs: SHORT_MS });
      await leaseEnded();
      const second = await claimOne(AT_MOST_ONCE, opened().other);
      expect(second).toEqual(first);
      expect(await standingOne(tenant)).toMatchObject({ status: 'pending', attempts: [] });
      expect(await opened().queue.begin([first], LEASE_MS)).toEqual([first.delivery_id]);
      expect(await opened().queue.extend([first], LEASE_MS)).toEqual([first.delivery_id]);
      expect(await opened().other.begin([second], LEASE_MS)).toEqual([]);
      expect(await opened().queue.begin([first], LEASE_MS)).toEqual([first.delivery_id]);
      expect(await opened().other.settle([sent(second)])).toEqual(['sent']);
      expect((await standingOne(tenant)).attempts).toMatchObject([{ attempt: 1, outcome: 'sent' }]);
    });

    it('is begun once for each claim, also when the call is repeated, and the lease counts from then', async () => {
      await tell(aTenant(), [TO_ANA, { channel: 'email', recipient: 'bo@example.com' }]);
      const claimed = await claim({ ...AT_MOST_ONCE, leaseMs: SHORT_MS });
      await leaseEnded();
      expect(await opened().queue.begin(claimed, LEASE_MS)).toEqual([]);
      expect(await opened().queue.begin(claimed, LEASE_MS)).toEqual([]);
      expect(await opened().other.begin(claimed, LEASE_MS)).toHaveLength(2);
      expect(await claim(AT_MOST_ONCE, opened().other)).toEqual([]);
      expect(await opened().queue.settle([again(claimed[0]!), sent(claimed[1]!)])).toEqual(['pending', 'sent']);
      expect(await opened().queue.begin(claimed, LEASE_MS)).toHaveLength(2);
      expect(await eventually(() => claimOne(AT_MOST_ONCE))).toMatchObject({ attempt: 2 });
      expect(await opened().queue.begin([], LEASE_MS)).toEqual([]);
    });

    it('keeps its claim while that is extended, and is given back without an attempt', async () => {
      const tenant = aTenant();
      await tell(tenant);
      const claimed = await claimOne({ ...AT_MOST_ONCE, leaseMs: SHORT_MS });
      await leaseEnded();
      expect(await opened().queue.extend([claimed], LEASE_MS)).toEqual([]);
      expect(await opened().other.extend([claimed], LEASE_MS)).toEqual([claimed.delivery_id]);
      expect(await claim(AT_MOST_ONCE, opened().other)).toEqual([]);
      const released: Settlement = { ...idOf(claimed), outcome: 'released', again_in_ms: 0 };
      expect(await opened().other.settle([released])).toEqual(['stale']);
      expect(await opened().queue.settle([released])).toEqual(['pending']);
      const second = await eventually(() => claimOne(AT_MOST_ONCE, opened().other));
      expect(second.attempt).toBe(1);
      expect(await opened().queue.settle([released])).toEqual(['stale']);
      expect(await opened().other.settle([{ ...idOf(second), outcome: 'expired', reason: 'too_old' }])).toEqual([
        'expired',
      ]);
      expect(await standingOne(tenant)).toMatchObject({ status: 'expired', settled: true, attempts: [] });
    });

    it('counts as sent only if its attempt was begun', async () => {
      const tenant = aTenant();
      await tell(tenant);
      const claimed = await claimOne(AT_MOST_ONCE);
      expect(await opened().queue.settle([sent(claimed)])).toEqual(['stale']);
      expect(await standingOne(tenant)).toMatchObject({ status: 'pending', attempts: [] });
    });

    it('is cancelled with its alert until the attempt is begun', async () => {
      const tenant = aTenant();
      const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
      const claimed = await claimOne(AT_MOST_ONCE);
      await act(tenant, entry.alert_id, 'acknowledge');
      expect(await standingOne(tenant)).toMatchObject({ status: 'cancelled', reason: 'alert_over', attempts: [] });
      expect(await opened().queue.begin([claimed], LEASE_MS)).toEqual([claimed.delivery_id]);
      const released: Settlement = { ...idOf(claimed), outcome: 'released', again_in_ms: 0 };
      expect(await opened().queue.settle([released])).toEqual(['cancelled']);
    });
  });
}
