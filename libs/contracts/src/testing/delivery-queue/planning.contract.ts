import type { PlannedDelivery } from '../../delivery';
import { aTenant } from '../an-alert';
import { AT_MOST_ONCE, TO_ANA, type QueueSteps } from './opened-queue';

/** Who is told of what. */
export function describePlanning({ tell, claim, act, opened }: QueueSteps): void {
  describe('a plan', () => {
    it('without recipients tells those of the tenant at the severity, over the channel or over all', async () => {
      const tenant = aTenant();
      await opened().configure(tenant, [
        { severity: 'urgent', channel: 'email', address: 'ana@example.com' },
        { severity: 'urgent', channel: 'sms', address: '+4912345678' },
        { severity: 'high', channel: 'email', address: 'bo@example.com' },
      ]);
      await tell(tenant, [{ channel: null, recipient: null }]);
      await tell(tenant, [{ channel: 'email', recipient: null }]);
      await tell(tenant, [{ channel: 'email', recipient: null }], { severity: 'high' });
      await tell(tenant, [{ channel: null, recipient: null }, TO_ANA]);
      await tell(tenant, [{ channel: null, recipient: null }], { severity: 'low' });
      await tell(aTenant(), [{ channel: null, recipient: null }]);
      expect((await opened().standing(tenant)).map(({ seq, channel, recipient }) => [seq, channel, recipient])).toEqual(
        [
          [1, 'email', 'ana@example.com'],
          [1, 'sms', '+4912345678'],
          [2, 'email', 'ana@example.com'],
          [3, 'email', 'bo@example.com'],
          [4, 'email', 'ana@example.com'],
          [4, 'sms', '+4912345678'],
        ],
      );
      expect((await claim()).map(({ recipient }) => recipient).sort()).toEqual([
        'ana@example.com',
        'ana@example.com',
        'ana@example.com',
        'bo@example.com',
      ]);
    });

    it('of a snooze that ends is that of the last entry that rang, for the alert as it is then', async () => {
      const tenant = aTenant();
      const at = (minute: number) => ({ dedup_key: 'k', occurred_at: `2026-01-01T00:0${minute}:00.000Z` });
      const bo: PlannedDelivery = { channel: 'sms', recipient: '+4912345678' };
      const { entry } = await tell(tenant, [TO_ANA], { ...at(0), severity: 'high' });
      await tell(tenant, [TO_ANA, bo], { ...at(1), severity: 'urgent' });
      await tell(tenant, [{ channel: 'email', recipient: 'repeat@example.com' }], { ...at(2), severity: 'urgent' });
      for (let round = 0; round < 2; round += 1) {
        await opened().clear();
        await act(tenant, entry.alert_id, 'snooze');
        await opened().endSnoozes(tenant);
        const woken = (await opened().waking.wakeSnoozed()).filter(({ tenant_id }) => tenant_id === tenant);
        expect(woken).toMatchObject([{ entry: { change: 'unsnoozed', actor: null } }]);
        const claimed = [...(await claim()), ...(await claim(AT_MOST_ONCE, opened().queue, 'sms'))];
        expect(claimed.map(({ channel, recipient }) => [channel, recipient])).toEqual([
          ['email', 'ana@example.com'],
          ['sms', '+4912345678'],
        ]);
        expect(claimed[0]!.entry).toEqual(woken[0]!.entry);
      }
    });

    it('of a snooze that ends is none where nothing is to be planned', async () => {
      const tenant = aTenant();
      const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
      await act(tenant, entry.alert_id, 'snooze');
      await opened().endSnoozes(tenant);
      const woken = (await opened().waking.wakeSnoozed(false)).filter(({ tenant_id }) => tenant_id === tenant);
      expect(woken).toMatchObject([{ entry: { change: 'unsnoozed', actor: null } }]);
      expect(await opened().standing(tenant)).toMatchObject([{ seq: 1 }]);
    });

    it('is not made when a user ends the snooze', async () => {
      const tenant = aTenant();
      const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
      await act(tenant, entry.alert_id, 'snooze');
      await act(tenant, entry.alert_id, 'unsnooze');
      expect(await opened().standing(tenant)).toMatchObject([{ seq: 1, status: 'cancelled' }]);
    });
  });
}
