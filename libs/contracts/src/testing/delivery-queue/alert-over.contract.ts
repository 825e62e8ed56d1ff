import type { PlannedDelivery } from '../../delivery';
import { aPlannedEvent, aTenant } from '../an-alert';
import { SHORT_MS, AT_LEAST_ONCE, TO_ANA, sent, again, type QueueSteps } from './opened-queue';

/** What becomes of deliveries whose alert is over. */
export function describeAlertOver({ tell, claim, claimOne, leaseEnded, standingOne, act, opened }: QueueSteps): void {
  describe('an alert that is over', () => {
    it.each(['acknowledge', 'resolve', 'snooze'] as const)('by %s cancels what is pending, at once', async (how) => {
      const tenant = aTenant();
      const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
      await act(tenant, entry.alert_id, how);
      expect(await standingOne(tenant)).toMatchObject({
        status: 'cancelled',
        reason: 'alert_over',
        settled: true,
        attempts: [],
      });
      expect(await opened().queue.claim('email', AT_LEAST_ONCE)).toEqual({ deliveries: [], lost: 0, cancelled: 0 });
    });

    it('by its producer cancels what is pending, also what waits, and not what tells of another alert', async () => {
      const tenant = aTenant();
      await tell(tenant, [TO_ANA], { dedup_key: 'k', occurred_at: '2026-01-01T00:00:00.000Z' });
      await opened().queue.settle([again(await claimOne(), 3_600_000)]);
      await tell(tenant, [TO_ANA], { dedup_key: 'other' });
      await tell(tenant, [], { dedup_key: 'k', status: 'resolved', occurred_at: '2026-01-01T00:01:00.000Z' });
      expect((await opened().standing(tenant)).map(({ status, reason }) => [status, reason])).toEqual([
        ['cancelled', 'alert_over'],
        ['pending', null],
      ]);
    });

    it('within one batch cancels what the batch has planned', async () => {
      const tenant_id = aTenant();
      await opened().log.append(
        (['firing', 'resolved'] as const).map((status, minute) =>
          aPlannedEvent(
            { tenant_id, dedup_key: 'k', status, occurred_at: `2026-01-01T00:0${minute}:00.000Z` },
            { deliveries: status === 'firing' ? [TO_ANA] : [] },
          ),
        ),
      );
      expect(await claim()).toEqual([]);
      expect(await standingOne(tenant_id)).toMatchObject({ status: 'cancelled', reason: 'alert_over' });
    });

    it('does not stop the attempt under way, and lets no other follow', async () => {
      const tenant = aTenant();
      const told: PlannedDelivery[] = [TO_ANA, { channel: 'email', recipient: 'bo@example.com' }];
      const { entry } = await tell(tenant, told, { dedup_key: 'k' });
      const [one, two] = await claim();
      await act(tenant, entry.alert_id, 'acknowledge');
      expect((await opened().standing(tenant)).map(({ status }) => status)).toEqual(['pending', 'pending']);
      expect(await opened().queue.settle([sent(one!), again(two!)])).toEqual(['sent', 'cancelled']);
      expect(
        (await opened().standing(tenant)).find(({ delivery_id }) => delivery_id === two!.delivery_id),
      ).toMatchObject({
        status: 'cancelled',
        reason: 'alert_over',
        attempts: [{ attempt: 1, outcome: 'retry', reason: 'provider_error' }],
      });
    });

    it('lets no attempt follow that of a lost worker', async () => {
      const tenant = aTenant();
      const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
      await claimOne({ leaseMs: SHORT_MS });
      await leaseEnded();
      await act(tenant, entry.alert_id, 'acknowledge');
      expect(await opened().other.claim('email', AT_LEAST_ONCE)).toEqual({ deliveries: [], lost: 0, cancelled: 1 });
      expect(await standingOne(tenant)).toMatchObject({
        status: 'cancelled',
        reason: 'alert_over',
        attempts: [{ attempt: 1, outcome: 'unknown', reason: 'worker_lost' }],
      });
    });

    it('for a user who acknowledged it still rings when its producer raises the severity', async () => {
      const tenant = aTenant();
      const at = (minute: number) => ({ dedup_key: 'k', occurred_at: `2026-01-01T00:0${minute}:00.000Z` });
      const { entry } = await tell(tenant, [TO_ANA], { ...at(0), severity: 'high' });
      await act(tenant, entry.alert_id, 'acknowledge');
      const raised = await tell(tenant, [TO_ANA], { ...at(1), severity: 'urgent' });
      expect(raised.entry).toMatchObject({ change: 'severity_raised', status: 'acknowledged' });
      expect(await claim()).toMatchObject([{ entry: { seq: raised.seq } }]);
    });
  });
}
