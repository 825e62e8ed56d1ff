import fc from 'fast-check';
import type { AlertListQuery, AlertQueries, AlertSelection } from '../../ports';
import { SEVERITIES, type Alert, type AlertOrder } from '../../wire';
import { aTenant } from '../an-alert';
import { ANY, FIRST, at, HOUR, storedAlerts, type OpenAlertQueries } from './opened-queries';

/** Which alerts a list has, and its pages. */
export function describeListing(opened: () => OpenAlertQueries): void {
  const { store, list, titles } = storedAlerts(opened);
  let queries: AlertQueries;
  beforeAll(() => void ({ queries } = opened()));

  it('of the tenants that are named, and no others', async () => {
    const [one, two] = [aTenant(), aTenant()];
    await store({ tenant_id: one, title: 'of one' }, { tenant_id: two, title: 'of two', labels: { site: 'two' } });
    const [ofTwo] = await list([two]);
    expect(await titles([one])).toEqual(['of one']);
    expect((await titles([one, two])).sort()).toEqual(['of one', 'of two']);
    expect(await titles([])).toEqual([]);
    expect(await titles([one], { words: ['of'] })).toEqual(['of one']);
    expect(await titles([one], { labels: { site: 'two' } })).toEqual([]);
    expect(await queries.find([one], [ofTwo!.alert_id])).toEqual([]);
    expect(await queries.history(one, ofTwo!.alert_id, { before: null, limit: 10 })).toEqual({
      entries: [],
      more: false,
    });
    expect((await queries.facets([one], [one], ANY)).tenant).toEqual({ [one]: 1 });
    expect((await queries.stats([one], HOUR)).open.status).toMatchObject({ firing: 1 });
  });

  it('by each condition, and by several of one', async () => {
    const tenant_id = aTenant();
    await store(
      { tenant_id, title: 'a', severity: 'urgent', service: 'ovens', name: 'hot', dedup_key: 'a' },
      {
        tenant_id,
        title: 'b',
        severity: 'low',
        service: 'ovens',
        type: 'recommendation',
        name: 'cold',
        labels: { site: 'north', line: '1' },
      },
      {
        tenant_id,
        title: 'c',
        severity: 'medium',
        service: 'stock',
        type: 'notification',
        name: undefined,
        labels: {},
      },
    );
    await store({
      tenant_id,
      title: 'a',
      service: 'ovens',
      dedup_key: 'a',
      status: 'resolved',
      severity: 'urgent',
      occurred_at: at(1),
    });
    const b = (await list([tenant_id], { name: ['cold'] }))[0]!;
    await opened().assign(tenant_id, b.alert_id, 'ana');
    const sorted = async (query: Partial<AlertListQuery>) => (await titles([tenant_id], query)).sort().join('');
    expect(await sorted({})).toBe('abc');
    expect(await sorted({ status: ['firing'] })).toBe('abc');
    expect(await sorted({ severity: ['urgent', 'medium'] })).toBe('ac');
    expect(await sorted({ service: ['ovens'] })).toBe('ab');
    expect(await sorted({ notService: ['ovens'] })).toBe('c');
    expect(await sorted({ notService: ['stock', 'nowhere'], severity: ['low'] })).toBe('b');
    expect(await sorted({ service: ['ovens'], notService: ['ovens'] })).toBe('');
    const others = { ...ANY, notService: ['ovens'] };
    // a facet is counted without its own condition
    expect(await queries.facets([tenant_id], [tenant_id], others)).toMatchObject({
      status: { firing: 1 },
      service: { ovens: 2, stock: 1 },
    });
    expect(await queries.facets([tenant_id], [tenant_id], { ...others, words: ['b'] })).toMatchObject({ status: {} });
    const [group, ...none] = (
      await queries.groups([tenant_id], { ...others, by: 'service', order: 'newest', limit: 9, after: null })
    ).groups;
    expect([group!.key, group!.alerts, none]).toEqual(['stock', 1, []]);
    const counted = await queries.stats([tenant_id], { ...HOUR, selection: others });
    expect(counted.open.severity).toEqual({ urgent: 0, high: 0, medium: 1, low: 0 });
    expect(counted.timeline.reduce((sum, { urgent, high, medium, low }) => sum + urgent + high + medium + low, 0)).toBe(
      1,
    );
    expect(await sorted({ type: ['recommendation', 'notification'] })).toBe('bc');
    expect(await sorted({ name: ['hot', 'cold'] })).toBe('ab');
    expect(await sorted({ assignee: ['ana'] })).toBe('b');
    expect(await sorted({ assignee: [null] })).toBe('ac');
    expect(await sorted({ assignee: [null, 'ana', 'bob'] })).toBe('abc');
    expect(await sorted({ labels: { site: 'north', line: '1' } })).toBe('b');
    expect(await sorted({ labels: { site: 'north', line: '2' } })).toBe('');
    expect(await sorted({ service: ['ovens'], severity: ['low'], labels: { site: 'north' } })).toBe('b');
    expect(await sorted({ from: b.first_seen_at })).toBe('abc');
    expect(await sorted({ to: b.first_seen_at })).toBe('');
    expect(await sorted({ status: [] })).toBe('');
  });

  it('by words: all of them, in title, message or name, in any case, as text and not as patterns', async () => {
    const tenant_id = aTenant();
    await store(
      { tenant_id, title: 'Flour runs low', message: '100% of 2_kg', name: 'stock' },
      { tenant_id, title: 'Größe \\ stimmt', message: undefined, name: 'size' },
    );
    const count = async (...words: string[]) => (await titles([tenant_id], { words })).length;
    expect(
      await Promise.all([
        count('FLOUR'),
        count('flour', '2_kg', 'STOCK'),
        count('flour', 'size'),
        count('größe'),
        count('0%'),
        count('2_k'),
        count('2xk'),
        count('%'),
        count('\\'),
        count('_'),
        count('flour runs'),
        count('runs flour'),
      ]),
    ).toEqual([1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0]);
    expect(await queries.list([tenant_id], { ...FIRST, words: ['nowhere'] })).toEqual({
      alerts: [],
      end: null,
      searched: { reached: null, complete: true },
    });
    expect((await queries.list([aTenant()], { ...FIRST, words: ['x'] })).searched).toEqual({
      reached: null,
      complete: true,
    });
    expect((await queries.list([tenant_id], FIRST)).searched).toBeNull();
  });

  it('page by page, each once, in every order and with every condition, while more come', async () => {
    const tenants = [aTenant(), aTenant(), aTenant()];
    const draw = <T>(values: readonly T[], index: number) => values[index % values.length]!;
    // a batch shares one time, so the ids decide
    for (let batch = 0; batch < 4; batch += 1) {
      await store(
        ...Array.from({ length: 30 }, (_, i) => ({
          tenant_id: draw(tenants, i),
          title: `word${i % 4}`,
          severity: draw(SEVERITIES, i * 7 + batch),
          service: draw(['ovens', 'stock', 'till'], i + batch),
          labels: { line: String(i % 3) },
        })),
      );
    }
    const all = await list(tenants);
    expect(all).toHaveLength(120);
    const arbitrary = fc.record({
      severity: fc.option(fc.subarray([...SEVERITIES], { minLength: 1 })),
      service: fc.option(fc.subarray(['ovens', 'stock'], { minLength: 1 })),
      words: fc.subarray(['word1'], { minLength: 0 }),
      labels: fc.constantFrom<Record<string, string>>({}, {}, { line: '1' }),
      order: fc.constantFrom<AlertOrder>('newest', 'severity', 'oldest'),
      limit: fc.integer({ min: 1, max: 40 }),
      tenants: fc.subarray(tenants, { minLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ tenants: asked, ...query }) => {
        const expected = sortAlerts(
          all.filter((alert) => asked.some((tenant) => tenant === alert.tenant_id) && matches(alert, query)),
          query.order,
        );
        const pages: string[] = [];
        for (let after: AlertListQuery['after'] = null, more = true; more;) {
          const { alerts, end } = await queries.list(asked, {
            ...FIRST,
            ...query,
            after,
            to: new Date(Date.parse(all[0]!.first_seen_at) + 1).toISOString(),
          });
          pages.push(...alerts.map(({ alert_id }) => alert_id));
          more = end !== null;
          after = end;
          if (pages.length < 60)
            await store({
              tenant_id: asked[0]!,
              title: 'word1',
              severity: 'urgent',
              service: 'ovens',
              labels: { line: '1' },
            });
        }
        expect(pages).toEqual(expected.map(({ alert_id }) => alert_id));
      }),
      { numRuns: 15 },
    );
  });
}

function matches(
  alert: Alert,
  { severity, service, words, labels }: Pick<AlertSelection, 'severity' | 'service' | 'words' | 'labels'>,
): boolean {
  return (
    (severity?.includes(alert.severity) ?? true) &&
    (service?.includes(alert.service) ?? true) &&
    words.every((word) => alert.title.includes(word)) &&
    Object.entries(labels).every(([key, value]) => alert.labels[key] === value)
  );
}

function sortAlerts(alerts: readonly Alert[], order: AlertOrder): Alert[] {
  const rank = ({ severity }: Alert) => (order === 'severity' ? SEVERITIES.indexOf(severity) : 0);
  const key = ({ first_seen_at, alert_id }: Alert) => `${first_seen_at} ${alert_id}`;
  const byTime = (a: Alert, b: Alert) => (key(a) < key(b) ? 1 : -1);
  return alerts.toSorted((a, b) => rank(a) - rank(b) || (order === 'oldest' ? byTime(b, a) : byTime(a, b)));
}
