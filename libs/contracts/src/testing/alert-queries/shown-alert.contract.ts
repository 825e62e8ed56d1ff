import type { AlertListQuery, AlertQueries } from '../../ports';
import type { Alert } from '../../wire';
import { aPlannedEvent, aTenant } from '../an-alert';
import { at, FIRST, storedAlerts, type OpenAlertQueries } from './opened-queries';

/** How an alert is shown: as it stands now, as it stood until it was resolved, and with its history. */
export function describeShownAlert(opened: () => OpenAlertQueries): void {
  const { store, list } = storedAlerts(opened);
  let queries: AlertQueries;
  beforeAll(() => void ({ queries } = opened()));

  it('as they stand now: the state of the last message, the words of the last that was not stale, the number of the newest entry', async () => {
    const tenant_id = aTenant();
    await store(
      { tenant_id, dedup_key: 'k', title: 'first', severity: 'low', occurred_at: at(1), labels: { site: 'a' } },
      {
        tenant_id,
        dedup_key: 'k',
        title: 'second',
        message: 'two',
        severity: 'high',
        occurred_at: at(5),
        labels: { site: 'b' },
        actions: [{ label: 'Go' }],
        metadata: { n: 2 },
      },
      { tenant_id, dedup_key: 'k', title: 'late', severity: 'urgent', occurred_at: at(3), labels: { site: 'c' } },
    );
    const [alert] = await list([tenant_id]);
    expect(alert).toEqual({
      tenant_id,
      alert_id: alert!.alert_id,
      status: 'firing',
      severity: 'high',
      type: 'alert',
      service: 'inventory',
      name: 'low_stock',
      title: 'second',
      message: 'two',
      occurrences: 3,
      dedup_key: 'k',
      first_seen_at: alert!.first_seen_at,
      last_seen_at: alert!.last_seen_at,
      labels: { site: 'b' },
      actions: [{ label: 'Go' }],
      metadata: { n: 2 },
      assignee: null,
      snoozed_until: null,
      actor: null,
      acted_at: null,
      opened_at: alert!.first_seen_at,
      resolved_at: null,
      while_open: null,
      last_seq: 3,
    });
    expect(alert!.first_seen_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await queries.find([tenant_id], [alert!.alert_id, '018f0000-0000-7000-8000-000000000000'])).toEqual([alert]);
  });

  it('resolved ones with when they were opened and resolved, and what they said until then, the last resolved first', async () => {
    const tenant_id = aTenant();
    const say = async (dedup_key: string, minute: number, more: Parameters<typeof aPlannedEvent>[0] = {}) => {
      await store({
        tenant_id,
        dedup_key,
        title: `${dedup_key} rings`,
        message: 'hot',
        occurred_at: at(minute),
        ...more,
      });
      return (await list([tenant_id])).find((alert) => alert.dedup_key === dedup_key)!;
    };
    const over = { status: 'resolved', title: 'all is well', message: undefined } as const;
    for (const key of ['a', 'b', 'c']) await say(key, 1);
    const b = await say('b', 2, over);
    expect(b).toMatchObject({
      title: 'all is well',
      opened_at: b.first_seen_at,
      resolved_at: b.last_seen_at,
      while_open: { title: 'b rings', message: 'hot' },
    });
    // what arrives later does not change when it was resolved, nor what it said until then
    expect(await say('b', 3, { ...over, title: 'still well' })).toMatchObject({
      title: 'still well',
      resolved_at: b.resolved_at,
      while_open: b.while_open,
    });
    await say('a', 2, over);
    const again = await say('a', 3, { title: 'a rings again' });
    expect(again).toMatchObject({ opened_at: again.last_seen_at, resolved_at: null, while_open: null });
    expect(again.opened_at! > again.first_seen_at).toBe(true);
    const a = await say('a', 4, over);
    expect(a).toMatchObject({ opened_at: again.opened_at, while_open: { title: 'a rings again', message: 'hot' } });
    // all of it in one batch: opened, resolved, and the same said once more
    await store(
      { tenant_id, dedup_key: 'c', occurred_at: at(2), ...over },
      { tenant_id, dedup_key: 'c', occurred_at: at(3), title: 'c rings again' },
      { tenant_id, dedup_key: 'c', occurred_at: at(4), ...over },
      { tenant_id, dedup_key: 'c', occurred_at: at(5), ...over },
      { tenant_id, dedup_key: 'd', occurred_at: at(1), ...over },
    );
    const [d, c] = await list([tenant_id], { order: 'resolved', status: ['resolved'], limit: 2 }).then((two) =>
      two.toSorted((one) => (one.dedup_key === 'd' ? -1 : 1)),
    );
    expect(c).toMatchObject({
      dedup_key: 'c',
      opened_at: c!.resolved_at,
      resolved_at: c!.last_seen_at,
      while_open: { title: 'c rings again' },
    });
    expect(d).toMatchObject({ dedup_key: 'd', resolved_at: d!.first_seen_at, while_open: null });

    const keys = async (query: Partial<AlertListQuery>) => {
      const found: (string | null)[] = [];
      for (let after: AlertListQuery['after'] = null, more = true; more;) {
        const page = await queries.list([tenant_id], { ...FIRST, order: 'resolved', limit: 1, ...query, after });
        found.push(...page.alerts.map(({ dedup_key }) => dedup_key));
        [after, more] = [page.end, page.end !== null];
      }
      return found;
    };
    await say('e', 1);
    const all = await keys({});
    expect([all.slice(0, 2).sort(), all.slice(2)]).toEqual([
      ['c', 'd'],
      ['a', 'b'],
    ]);
    expect(await keys({ service: ['inventory'] })).toEqual(all);
    expect(await keys({ words: ['still'] })).toEqual(['b']);
    expect(await keys({ to: b.first_seen_at })).toEqual(['a']);
    expect(await keys({ from: d!.first_seen_at })).toEqual(['d']);
    expect(await keys({ from: b.first_seen_at, to: d!.first_seen_at })).toEqual(['c', 'b']);
    expect(await keys({ status: ['firing'] })).toEqual([]);
  });

  it('by the key that a service gives it, within one tenant', async () => {
    const [tenant_id, other] = [aTenant(), aTenant()];
    await store(
      { tenant_id, dedup_key: 'k', occurred_at: at(1) },
      { tenant_id, dedup_key: 'k', status: 'resolved', occurred_at: at(9) },
      { tenant_id: other, dedup_key: 'theirs' },
    );
    const [alert] = await list([tenant_id]);
    expect(await queries.named(tenant_id, 'inventory', 'k')).toEqual({
      alert_id: alert!.alert_id,
      status: 'resolved',
      service: 'inventory',
      dedup_key: 'k',
    });
    for (const [service, key] of [
      ['inventory', 'theirs'],
      ['other', 'k'],
      ['inventory', 'none'],
    ] as const)
      expect(await queries.named(tenant_id, service, key)).toBeUndefined();
  });

  it('with their history, the newest entry first, page by page, stale ones too', async () => {
    const tenant_id = aTenant();
    await store(
      { tenant_id, dedup_key: 'k', occurred_at: at(1) },
      { tenant_id },
      { tenant_id, dedup_key: 'k', occurred_at: at(3), title: 'again' },
      { tenant_id, dedup_key: 'k', occurred_at: at(0) },
    );
    await store({ tenant_id, dedup_key: 'k', occurred_at: at(4), status: 'resolved' });
    const [{ alert_id }] = (await list([tenant_id], { status: ['resolved'] })) as [Alert];
    const history = await queries.history(tenant_id, alert_id, { before: null, limit: 10 });
    expect(history.entries.map(({ seq, change }) => [seq, change])).toEqual([
      [5, 'resolved'],
      [4, 'stale'],
      [3, 'repeated'],
      [1, 'raised'],
    ]);
    expect(history.entries[3]).toMatchObject({
      tenant_id,
      alert_id,
      previous: null,
      labels: { site: 'north' },
      received_at: expect.stringMatching(/Z$/) as string,
    });
    const page = async (before: number | null, limit: number) => {
      const { entries, more } = await queries.history(tenant_id, alert_id, { before, limit });
      return [...entries.map(({ seq }) => seq), more];
    };
    expect([await page(null, 2), await page(4, 2), await page(3, 1), await page(1, 5)]).toEqual([
      [5, 4, true],
      [3, 1, false],
      [1, false],
      [false],
    ]);
    const [single] = await list([tenant_id], { status: ['firing'] });
    expect(
      (await queries.history(tenant_id, single!.alert_id, { before: null, limit: 10 })).entries.map(({ seq }) => seq),
    ).toEqual([2]);
  });
}
