import { randomUUID } from 'node:crypto';
import type { ActReach } from '../../ports';
import type { Alert, Entry } from '../../wire';
import { aPlannedEvent, aTenant } from '../an-alert';
import { actedAlerts, actedIn, anAct, shuffled, type OpenAlertActs } from './opened-acts';

/** Acts on many alerts, by many users and beside their producers. */
export function describeManyActs(opened: () => OpenAlertActs): void {
  const { within, entriesOf, say, raise, act } = actedAlerts(opened);

  it('has one winner among twenty users who do the same at once, for each of many alerts', async () => {
    const alerts = await Promise.all(Array.from({ length: 5 }, () => raise()));
    const users = Array.from({ length: 20 }, (_, index) => `user ${index}`);
    const reach = within(...alerts.map(({ tenant_id }) => tenant_id));
    const all = await Promise.all(
      users.map((by) =>
        opened().acts.act(reach, shuffled(alerts.map(({ alert_id }) => alert_id)), anAct('acknowledge', by)),
      ),
    );
    for (const { tenant_id, alert_id } of alerts) {
      const entries = await entriesOf(tenant_id);
      expect(entries.map(({ change }) => change)).toEqual(['raised', 'acknowledged']);
      const results = all.flat().filter((result) => 'alert' in result && result.alert.alert_id === alert_id) as {
        outcome: string;
        alert: Alert;
      }[];
      expect(results.map(({ outcome }) => outcome).sort()).toEqual(['acted', ...Array<string>(19).fill('conflict')]);
      for (const { alert } of results)
        expect(alert).toMatchObject({ status: 'acknowledged', actor: entries[1]!.actor });
    }
  });

  it("answers for each of many alerts in the order asked for: another tenant's is not found, one where the user only reads is forbidden", async () => {
    const [mine, read, foreign, also] = [await raise(), await raise(), await raise(), await raise()];
    const reach: ActReach = {
      tenants: [mine, read, also].map(({ tenant_id }) => tenant_id),
      acting: [mine.tenant_id, also.tenant_id, foreign.tenant_id],
    };
    await act(also, anAct('resolve', 'bob'));
    const asked = [foreign.alert_id, also.alert_id, randomUUID(), mine.alert_id.toUpperCase(), read.alert_id];
    const results = await opened().acts.act(reach, asked, anAct('acknowledge'));
    expect(results.map(({ outcome }) => outcome)).toEqual(['not_found', 'conflict', 'not_found', 'acted', 'forbidden']);
    expect(actedIn(results[3]!).event.tenant_id).toBe(mine.tenant_id);
    for (const { tenant_id } of [read, foreign]) expect(await entriesOf(tenant_id)).toHaveLength(1);
    expect(await opened().acts.act({ tenants: [], acting: [] }, [mine.alert_id], anAct('resolve'))).toEqual([
      { outcome: 'not_found' },
    ]);
    expect(await opened().acts.act(reach, [], anAct('resolve'))).toEqual([]);
  });

  it('tells of the repeats that were folded before it, in the words of the newest, and counts go on', async () => {
    const tenant_id = aTenant();
    const flood = Array.from({ length: 30 }, (_, at) =>
      aPlannedEvent({
        tenant_id,
        dedup_key: 'k',
        title: `message ${at}`,
        labels: { at: String(at) },
        occurred_at: `2026-01-02T03:04:${at + 10}.000Z`,
      }),
    );
    await opened().log.append(flood);
    const [{ alert_id }] = (await entriesOf(tenant_id)) as [Entry];
    const { alert, event } = actedIn(await act({ tenant_id, alert_id }, anAct('acknowledge')));
    expect(event.entry).toMatchObject({
      folded: 19,
      occurrences: 30,
      title: 'message 29',
      labels: { at: '29' },
      previous: { status: 'firing', labels: { at: '10' } },
    });
    expect(alert).toMatchObject({
      title: 'message 29',
      labels: { at: '29' },
      occurrences: 30,
      status: 'acknowledged',
    });
    expect((await opened().log.append(flood.slice(0, 2))).map(({ outcome }) => outcome)).toEqual([
      'duplicate',
      'duplicate',
    ]);

    await opened().log.append(
      Array.from({ length: 5 }, () =>
        aPlannedEvent({ tenant_id, dedup_key: 'k', occurred_at: '2026-01-02T03:05:00.000Z' }),
      ),
    );
    expect(actedIn(await act({ tenant_id, alert_id }, anAct('resolve'))).event.entry).toMatchObject({
      folded: 5,
      occurrences: 35,
    });
    const entries = await entriesOf(tenant_id);
    expect(
      entries.filter(({ actor }) => actor === null).length + entries.reduce((sum, { folded }) => sum + folded, 0),
    ).toBe(35);
  });

  it('is never refused to an alert that flaps, and links into its log', async () => {
    const one = await raise();
    let flapping = true;
    const flap = (async () => {
      for (let at = 0; flapping; at += 1)
        await say(one.tenant_id, { severity: (['low', 'urgent', 'high', 'high'] as const)[at % 4]! });
    })();
    const outcomes: string[] = [];
    for (let round = 0; round < 10; round += 1)
      for (const each of ['acknowledge', 'unacknowledge'] as const)
        outcomes.push((await act(one, anAct(each))).outcome);
    flapping = false;
    await flap;
    expect(outcomes).toEqual(Array<string>(20).fill('acted'));
    const entries = await entriesOf(one.tenant_id);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => at + 1));
    for (const [at, { previous }] of entries.entries())
      if (at > 0) expect(previous).toEqual({ status: entries[at - 1]!.status, severity: entries[at - 1]!.severity });
  });

  it('runs side by side with messages over the same tenants, in any order, without a deadlock or a hole', async () => {
    const alerts = await Promise.all(Array.from({ length: 6 }, () => raise()));
    const tenants = alerts.map(({ tenant_id }) => tenant_id);
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) =>
        index % 2 === 0
          ? opened().log.append(shuffled([...tenants]).map((tenant_id) => aPlannedEvent({ tenant_id, dedup_key: 'k' })))
          : opened().acts.act(
              within(...shuffled([...tenants])),
              shuffled(alerts.map(({ alert_id }) => alert_id)),
              anAct(index % 4 === 1 ? 'acknowledge' : 'unacknowledge', `user ${index}`),
            ),
      ),
    );
    for (const tenant_id of tenants) {
      const stored = await opened().reader.after(tenant_id, 0, 1_000);
      expect(stored.map(({ seq }) => seq)).toEqual(stored.map((_, at) => at + 1));
    }
  });
}
