import type { StoredEvent } from '../../event';
import type { TenantId } from '../../tenant';
import { aPlannedEvent } from '../an-alert';
import { eventually } from '../eventually';
import { actedAlerts, anAct, type OpenAlertActs } from './opened-acts';

/** How a snooze ends. */
export function describeSnoozing(opened: () => OpenAlertActs): void {
  const { entriesOf, say, raise, act } = actedAlerts(opened);

  describe('a snooze', () => {
    const soon = () => new Date(Date.now() + 300).toISOString();
    const woken = async (tenant_id: TenantId) =>
      (await opened().waking.wakeSnoozed()).filter((event) => event.tenant_id === tenant_id);

    it('ends by time: the alert fires again, without an actor, and repeats that were folded meanwhile are reported', async () => {
      const one = await raise();
      await act(one, anAct('assign', 'ana', { assignee: 'cleo' }));
      await act(one, anAct('snooze', 'ana', { until: soon() }));
      expect(await woken(one.tenant_id)).toEqual([]);
      await opened().log.append(
        Array.from({ length: 12 }, () =>
          aPlannedEvent({ tenant_id: one.tenant_id, dedup_key: 'k', occurred_at: '2026-01-02T00:00:00.000Z' }),
        ),
      );
      const before = (await opened().reader.after(one.tenant_id, 0, 100)).at(-1)!;
      const [event] = (await eventually(async () => {
        const events = await woken(one.tenant_id);
        expect(events).toHaveLength(1);
        return events;
      })) as unknown as [StoredEvent];
      expect(event.entry).toMatchObject({
        change: 'unsnoozed',
        status: 'firing',
        previous: { status: 'snoozed' },
        actor: null,
        note: null,
        snoozed_until: null,
        assignee: 'cleo',
        folded: 2,
      });
      expect(event).toMatchObject({ seq: before.seq + 1, prev_fp: before.fp });
      expect((await opened().reader.after(one.tenant_id, before.seq, 10))[0]!.entry).toEqual(event.entry);
      expect(await woken(one.tenant_id)).toEqual([]);
      expect(await act(one, anAct('unsnooze', 'bob'))).toMatchObject({
        outcome: 'conflict',
        alert: { status: 'firing', actor: null, acted_at: null },
      });
    });

    it('is ended once when several ask at once, and not at all when a person or the producer was first', async () => {
      const alerts = await Promise.all(Array.from({ length: 10 }, () => raise()));
      for (const one of alerts) await act(one, anAct('snooze', 'ana', { until: soon() }));
      await act(alerts[0]!, anAct('acknowledge'));
      await say(alerts[1]!.tenant_id, { status: 'resolved' });
      await act(alerts[2]!, anAct('snooze', 'bob'));
      await eventually(async () => {
        await Promise.all(Array.from({ length: 4 }, () => opened().waking.wakeSnoozed()));
        for (const { tenant_id } of alerts.slice(3))
          expect((await entriesOf(tenant_id)).map(({ change }) => change)).toEqual(['raised', 'snoozed', 'unsnoozed']);
      });
      for (const { tenant_id } of alerts.slice(0, 3))
        expect((await entriesOf(tenant_id)).map(({ change }) => change)).not.toContain('unsnoozed');
    });
  });
}
