import type { AlertGroupPlace, AlertGroupsQuery, AlertQueries, AlertSelection } from '../../ports';
import { aTenant } from '../an-alert';
import { ANY, at, HOUR, HOUR_AGO, storedAlerts, type OpenAlertQueries } from './opened-queries';

/** What is counted: facets, groups and figures. */
export function describeCounting(opened: () => OpenAlertQueries): void {
  const { store, list, titles } = storedAlerts(opened);
  let queries: AlertQueries;
  beforeAll(() => void ({ queries } = opened()));

  it('counted by facet, each without its own condition', async () => {
    const [one, two] = [aTenant(), aTenant()];
    await store(
      { tenant_id: one, severity: 'urgent', service: 'ovens' },
      { tenant_id: one, severity: 'low', service: 'ovens' },
      { tenant_id: one, severity: 'low', service: 'stock', type: 'notification' },
      { tenant_id: two, severity: 'low', service: 'ovens', title: 'odd' },
    );
    const both = [one, two];
    expect(await queries.facets(both, both, ANY)).toEqual({
      status: { firing: 4 },
      snoozed: {},
      severity: { urgent: 1, low: 3 },
      service: { ovens: 3, stock: 1 },
      type: { alert: 3, notification: 1 },
      tenant: { [one]: 3, [two]: 1 },
      complete: true,
    });
    expect(await queries.facets(both, [one], { ...ANY, severity: ['low'], service: ['ovens'] })).toEqual({
      status: { firing: 1 },
      severity: { urgent: 1, low: 1 },
      service: { ovens: 1, stock: 1 },
      type: { alert: 1 },
      tenant: { [one]: 1, [two]: 1 },
      snoozed: {},
      complete: true,
    });
    expect(await queries.facets(both, both, { ...ANY, words: ['odd'] })).toMatchObject({
      severity: { low: 1 },
      tenant: { [two]: 1 },
      complete: true,
    });
    expect(await queries.facets(both, both, { ...ANY, words: ['nowhere'] })).toEqual({
      status: {},
      severity: {},
      service: {},
      type: {},
      tenant: {},
      snoozed: {},
      complete: true,
    });
  });

  it('in groups: of each the worst severity, all its alerts and the newest, in the order of the list, page by page', async () => {
    const tenant_id = aTenant();
    await store({
      tenant_id,
      service: 'oven',
      severity: 'urgent',
      name: 'hot',
      title: 'Oven 1',
      labels: { site: '' },
    });
    await store({
      tenant_id,
      service: 'till',
      severity: 'low',
      name: undefined,
      title: 'Till 1',
      labels: { site: 'north' },
    });
    await store(
      {
        tenant_id,
        service: 'oven',
        severity: 'low',
        name: 'cold',
        title: 'Oven 2',
        labels: {},
        dedup_key: 'o',
        occurred_at: at(1),
      },
      { tenant_id, service: 'fridge', severity: 'urgent', name: undefined, title: 'Fridge 1', labels: {} },
    );
    const oven = (await list([tenant_id], { service: ['oven'] })).find(({ title }) => title === 'Oven 2')!;
    await opened().assign(tenant_id, oven.alert_id, 'ana');
    const groups = async (query: Partial<AlertGroupsQuery> = {}) => {
      const found: (string | number | null)[][] = [];
      let after: AlertGroupPlace | null = null;
      do {
        const page = await queries.groups([tenant_id], {
          ...ANY,
          order: 'newest',
          by: 'service',
          limit: 2,
          ...query,
          after,
        });
        expect(page.complete).toBe(true);
        found.push(
          ...page.groups.map(({ key, severity, alerts, taken, newest }) => [
            key,
            severity,
            alerts,
            taken,
            newest.title,
          ]),
        );
        after = page.end;
      } while (after);
      return found;
    };
    const [ovens, till, fridge] = [
      ['oven', 'urgent', 2, 1, 'Oven 2'],
      ['till', 'low', 1, 0, 'Till 1'],
      ['fridge', 'urgent', 1, 0, 'Fridge 1'],
    ];
    expect((await groups()).sort()).toEqual([fridge, ovens, till]);
    expect((await groups())[2]).toEqual(till);
    expect(await groups({ order: 'oldest' })).toEqual([ovens, till, fridge]);
    expect((await groups({ order: 'severity' }))[2]).toEqual(till);
    expect((await groups({ by: 'name' })).sort()).toEqual([
      [null, 'urgent', 2, 0, 'Fridge 1'],
      ['cold', 'low', 1, 1, 'Oven 2'],
      ['hot', 'urgent', 1, 0, 'Oven 1'],
    ]);
    expect((await groups({ by: { label: 'site' } })).sort()).toEqual([
      ['', 'urgent', 1, 0, 'Oven 1'],
      [null, 'urgent', 2, 1, expect.any(String)],
      ['north', 'low', 1, 0, 'Till 1'],
    ]);
    expect(await groups({ by: 'tenant' })).toEqual([[tenant_id, 'urgent', 4, 1, expect.any(String)]]);
    expect(await groups({ severity: ['low'], words: ['1'] })).toEqual([till]);
    expect(await groups({ words: ['nowhere'] })).toEqual([]);
    expect(await groups({ by: { label: 'site' }, words: ['oven'], labels: { site: null } })).toEqual([
      [null, 'low', 1, 1, 'Oven 2'],
    ]);
    expect((await titles([tenant_id], { name: [null] })).sort()).toEqual(['Fridge 1', 'Till 1']);
    expect((await titles([tenant_id], { labels: { site: null } })).sort()).toEqual(['Fridge 1', 'Oven 2']);
  });

  it('in figures of what a filter selects, and the snoozed ones apart', async () => {
    const tenant_id = aTenant();
    await store(
      { tenant_id, severity: 'urgent', service: 'oven', title: 'Oven is cold' },
      { tenant_id, severity: 'low', service: 'till' },
    );
    const figures = async (selection: Partial<AlertSelection>) => {
      const { open, timeline } = await queries.stats([tenant_id], { ...HOUR, selection: { ...ANY, ...selection } });
      return [open.severity.urgent, open.severity.low, timeline[1]!.urgent, timeline[1]!.low];
    };
    expect(await figures({ service: ['oven'] })).toEqual([1, 0, 1, 0]);
    expect(await figures({ words: ['cold'] })).toEqual([1, 0, 1, 0]);
    expect(await figures({ severity: ['low'] })).toEqual([0, 1, 0, 1]);
    expect(await figures({ words: ['nowhere'] })).toEqual([0, 0, 0, 0]);
    // of what is open, too, only the statuses that are asked for
    const openOf = async (selection: Partial<AlertSelection>) =>
      (await queries.stats([tenant_id], { ...HOUR, selection: { ...ANY, ...selection } })).open;
    const none = {
      severity: { urgent: 0, high: 0, medium: 0, low: 0 },
      status: { firing: 0, acknowledged: 0, snoozed: 0 },
    };
    for (const conditions of [{}, { service: ['oven'] }, { words: ['cold'] }]) {
      expect(await openOf({ ...conditions, status: ['resolved', 'snoozed'] })).toEqual(none);
      expect(await openOf({ ...conditions, status: ['resolved'] })).toEqual(none);
      expect((await openOf({ ...conditions, status: ['firing', 'resolved'] })).severity.urgent).toBe(1);
    }
    expect((await queries.facets([tenant_id], [tenant_id], { ...ANY, status: ['firing'] })).snoozed).toEqual({});
  });

  it('in figures: what is open, and what was first seen when', async () => {
    const tenant_id = aTenant();
    await store(
      { tenant_id, severity: 'urgent' },
      { tenant_id, severity: 'low' },
      { tenant_id, severity: 'low', dedup_key: 'k', occurred_at: at(1) },
    );
    await store({ tenant_id, severity: 'low', dedup_key: 'k', status: 'resolved', occurred_at: at(2) });
    expect(await queries.stats([tenant_id], HOUR)).toEqual({
      open: {
        severity: { urgent: 1, high: 0, medium: 0, low: 1 },
        status: { firing: 2, acknowledged: 0, snoozed: 0 },
      },
      timeline: [
        { at: HOUR_AGO.toISOString(), urgent: 0, high: 0, medium: 0, low: 0 },
        { at: new Date(HOUR_AGO.getTime() + 3_600_000).toISOString(), urgent: 1, high: 0, medium: 0, low: 2 },
      ],
      bucket_seconds: 3_600,
      complete: true,
    });
  });

  it('in figures of each tenant: what is open by severity, what is snoozed, and what was first seen when', async () => {
    const [one, other, quiet] = [aTenant(), aTenant(), aTenant()];
    await store(
      { tenant_id: one, severity: 'urgent' },
      { tenant_id: one, severity: 'low', dedup_key: 'k', occurred_at: at(1) },
      { tenant_id: other, severity: 'high' },
      { tenant_id: other, severity: 'high' },
    );
    await store({ tenant_id: one, severity: 'low', dedup_key: 'k', status: 'resolved', occurred_at: at(2) });
    const none = { urgent: 0, high: 0, medium: 0, low: 0 };
    const { tenants, at_most } = await queries.tenantStats([other, quiet, one], HOUR);
    expect(at_most).toBeGreaterThan(2);
    expect(tenants).toEqual([
      { tenant_id: other, open: { ...none, high: 2 }, snoozed: 0, timeline: [0, 2] },
      { tenant_id: quiet, open: none, snoozed: 0, timeline: [0, 0] },
      { tenant_id: one, open: { ...none, urgent: 1 }, snoozed: 0, timeline: [0, 2] },
    ]);
  });
}
