import fc from 'fast-check';
import { SEVERITIES, type Alert, type AlertOrder } from '../wire';
import type {
  AlertGroupPlace,
  AlertGroupsQuery,
  AlertListQuery,
  AlertQueries,
  AlertSelection,
  EventLog,
} from '../ports';
import type { TenantId } from '../tenant';
import { aPlannedEvent, aTenant } from './an-alert';

interface OpenAlertQueries {
  queries: AlertQueries;
  /** The event log that stores alerts. */
  log: Pick<EventLog, 'append'>;
  /** Assigns an alert, as a person's act would. */
  assign(tenant: TenantId, alertId: string, user: string): Promise<void>;
  close(): Promise<void>;
}

const ANY: AlertSelection = {
  status: null,
  severity: null,
  service: null,
  notService: [],
  type: null,
  name: null,
  assignee: null,
  labels: {},
  from: null,
  to: null,
  words: [],
};
const FIRST: AlertListQuery = { ...ANY, order: 'newest', limit: 200, after: null };
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const from = new Date(Date.now() - 3_600_000);
const HOUR = { selection: ANY, from, buckets: 2, bucketSeconds: 3_600 };

/** What every `AlertQueries` does. `open` is called once, so tests use tenants of their own. */
export function describeAlertQueries(name: string, { open }: { open(): Promise<OpenAlertQueries> }): void {
  describe(`${name} finds alerts`, () => {
    let opened: OpenAlertQueries;
    let queries: AlertQueries;
    beforeAll(async () => {
      opened = await open();
      queries = opened.queries;
    }, 60_000);
    afterAll(() => opened?.close());

    const store = (...planned: Parameters<typeof aPlannedEvent>[0][]) =>
      opened.log.append(planned.map((message) => aPlannedEvent(message)));
    const list = async (tenants: TenantId[], query: Partial<AlertListQuery> = {}) =>
      (await queries.list(tenants, { ...FIRST, ...query })).alerts;
    const titles = async (tenants: TenantId[], query: Partial<AlertListQuery> = {}) =>
      (await list(tenants, query)).map(({ title }) => title);

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
      expect(await queries.find([tenant_id], [alert!.alert_id, '018f0000-0000-7000-8000-000000000000'])).toEqual([
        alert,
      ]);
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
      await opened.assign(tenant_id, b.alert_id, 'ana');
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
      expect(
        counted.timeline.reduce((sum, { urgent, high, medium, low }) => sum + urgent + high + medium + low, 0),
      ).toBe(1);
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
        ]),
      ).toEqual([1, 1, 0, 1, 1, 1, 0, 1, 1, 1]);
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
      await opened.assign(tenant_id, oven.alert_id, 'ana');
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
          { at: from.toISOString(), urgent: 0, high: 0, medium: 0, low: 0 },
          { at: new Date(from.getTime() + 3_600_000).toISOString(), urgent: 1, high: 0, medium: 0, low: 2 },
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
