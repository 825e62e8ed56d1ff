import fc from 'fast-check';
import type { EntityManager } from 'typeorm';
import { LIST_ORDERS, ALERT_STATUSES, ALERT_TYPES, SEVERITIES, type Alert, type TenantId } from '@tocsin/contracts';
import type { AlertListQuery, AlertSelection } from '@tocsin/contracts/ports';
import { aTenant } from '@tocsin/contracts/testing';
import { PostgresAlertQueries } from './alert-queries.postgres';
import type { Database } from './database';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

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
const FIRST: AlertListQuery = { ...ANY, order: 'newest', limit: 50, after: null };
const BIG = 300_000;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: PlanNode[];
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/**
 * Creates alerts with one statement, from a series g: a second apart, the newest last. Half of them share their time
 * with another alert.
 */
const fill = (columns: {
  service: string;
  name: string;
  title: string;
  status: string;
  severity: string;
  type: string;
  assignee: string;
  labels: string;
}) => `
  insert into tocsin.alert (tenant_id, alert_id, service, type, name, title, message, status, severity, state_at, occurrences, first_seen_at, last_seen_at, first_seq, described_seq, last_seq, labels, assignee, resolved_at)
  select $1, md5(g::text || $1)::uuid, ${columns.service}, ${columns.type}, ${columns.name}, ${columns.title}, null, ${columns.status}, ${columns.severity}, seen, 1, seen, seen, g, g, g, ${columns.labels}, ${columns.assignee}, case when ${columns.status} = 'resolved' then seen + hashint4(g) % 100 * interval '1 s' end
  from generate_series(1, $2::integer) g, lateral (select timestamptz '2026-01-01' + g / 2 * interval '2 s' as seen) t`;
const one = (values: readonly string[], of: string) =>
  `(array['${values.join("','")}'])[1 + abs(hashint4(${of})) % ${values.length}]`;

let fresh: FreshDatabase;
let gateway: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  gateway = fresh.open('tocsin_gateway');
}, 60_000);
afterAll(async () => {
  await gateway?.close();
  await fresh?.drop();
});

describe(`a tenant of ${BIG.toLocaleString('en')} alerts never costs a question more than its bound`, () => {
  const big = aTenant('big');
  const small = Array.from({ length: 31 }, (_, i) => aTenant(`small-${i}`));
  beforeAll(async () => {
    // one in a thousand alerts is open, and one in a hundred thousand has the rare service and name
    const columns = {
      service: `case when g % 100000 = 7 then 'rare' else ${one(['ovens', 'stock', 'till'], 'g')} end`,
      name: `case when g % 100000 = 7 then 'rare' else 'usual' end`,
      title: `'number ' || g`,
      status: `case when g % 1000 = 0 then 'firing' else 'resolved' end`,
      severity: one(['low', 'low', 'low', 'medium', 'high', 'urgent'], 'g * 7'),
      type: `'alert'`,
      assignee: 'null',
      labels: `json_build_object('site', g % 50)`,
    };
    await asOwner({ url: fresh.url }, fill(columns), [big, BIG]);
    for (const tenant of small) await asOwner({ url: fresh.url }, fill(columns), [tenant, 100]);
    await asOwner({ url: fresh.url }, 'vacuum analyze tocsin.alert');
  }, 120_000);

  /**
   * How many alerts the statements of a question read, in the index and in the table, and how many blocks, under the
   * role of the gateway.
   */
  async function costOf(
    ask: (queries: PostgresAlertQueries) => Promise<unknown>,
  ): Promise<{ alerts: number; blocks: number; scans: string[]; indexes: Set<string> }> {
    const cost = { alerts: 0, blocks: 0, scans: [] as string[], indexes: new Set<string>() };
    const explaining = (manager: EntityManager) => ({
      async query(sql: string, parameters: unknown[]) {
        const [row] = await manager.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }[]>(
          `explain (analyze, buffers, timing off, format json) ${sql}`,
          parameters,
        );
        const { Plan } = row!['QUERY PLAN'][0];
        cost.blocks += (Plan['Shared Hit Blocks'] ?? 0) + (Plan['Shared Read Blocks'] ?? 0);
        for (const node of nodesOf(Plan).filter((scan) => scan['Relation Name'] === 'alert')) {
          cost.alerts += (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
          cost.scans.push(node['Node Type']);
          if (node['Index Name']) cost.indexes.add(node['Index Name']);
        }
        return manager.query(sql, parameters);
      },
    });
    await ask(
      new PostgresAlertQueries({
        as: (tenants: TenantId[], work: (manager: unknown) => unknown) =>
          gateway.as(tenants, async (manager) => work(explaining(manager))),
      } as unknown as Database),
    );
    return cost;
  }

  const RARE: Record<string, Partial<AlertListQuery>> = {
    'a rare service': { service: ['rare'] },
    'a service that is not there': { service: ['nowhere'] },
    'none of the usual services': { notService: ['ovens', 'stock', 'till'] },
    'a rare name, the most severe first': { name: ['rare'], order: 'severity' },
    'a name that is not there, the oldest first': { name: ['nowhere'], order: 'oldest' },
    'a service, a severity and a state': { service: ['rare'], severity: ['low'], status: ['resolved'] },
    'an assignee': { assignee: ['ana'] },
    'a type': { type: ['recommendation'] },
    'a word of a rare service': { service: ['rare'], words: ['number'] },
    'a word that is not there': { words: ['nowhere'] },
    'a label that is not there, of a service': { labels: { site: 'nowhere' }, service: ['ovens'] },
  };
  it.each(Object.entries(RARE))(
    '%s',
    async (_, query) => {
      for (const tenants of [[big], [big, ...small]]) {
        const { alerts, blocks, scans } = await costOf((queries) => queries.list(tenants, { ...FIRST, ...query }));
        expect(scans).not.toContain('Seq Scan');
        expect(alerts).toBeGreaterThan(50);
        expect(alerts).toBeLessThan(30_000);
        expect(blocks).toBeLessThan(20_000);
        const { end, searched } = await new PostgresAlertQueries(gateway).list(tenants, { ...FIRST, ...query });
        expect(searched).toEqual({ reached: end, complete: false });
      }
    },
    30_000,
  );

  it('without filters a page reads its alerts and little else, at any time', async () => {
    const [from, to] = ['2026-01-02T12:00:00.000Z', '2026-01-02T18:00:00.000Z'];
    const some: Partial<AlertListQuery>[] = [
      {},
      { status: ['firing'] },
      { order: 'severity' },
      { order: 'oldest' },
      { from, to },
      { from, to, order: 'oldest' },
      { from, to, order: 'severity' },
    ];
    for (const query of some) {
      const { alerts, blocks, scans } = await costOf((queries) => queries.list([big], { ...FIRST, ...query }));
      // entries of the index that are passed on the way to the time are not counted as alerts, so blocks are checked
      // too
      expect(blocks).toBeLessThan(600);
      expect(alerts).toBeLessThan(17 * 51 + 51);
      expect(scans).not.toContain('Seq Scan');
    }
  });

  it('the last resolved first, a page reads its alerts in their index, and a search as many as its bound', async () => {
    const resolved: AlertListQuery = { ...FIRST, order: 'resolved', status: ['resolved'] };
    const [from, to] = ['2026-01-02T12:00:00.000Z', '2026-01-02T18:00:00.000Z'];
    const { end } = await new PostgresAlertQueries(gateway).list([big], { ...resolved, limit: 200 });
    for (const [query, atMost] of [
      [{}, 4 * 51 + 51],
      [{ after: end }, 4 * 51 + 51],
      [{ severity: ['urgent'] }, 51 + 51],
      [{ service: ['rare'] }, 30_000],
      [{ words: ['nowhere'] }, 30_000],
      [{ from, to }, 30_000],
    ] as const) {
      const asked = { ...resolved, ...query } as AlertListQuery;
      const { alerts, scans, indexes } = await costOf((queries) => queries.list([big], asked));
      expect(alerts).toBeLessThanOrEqual(atMost);
      expect(scans).not.toContain('Seq Scan');
      expect([...indexes].filter((index) => index !== 'alert_pkey')).toEqual(['alert_resolved']);
    }
  });

  it('the last resolved first, a search in a range of time goes as far on each page as its bound allows', async () => {
    const [from, to] = ['2026-01-02T12:00:00.000Z', '2026-01-02T18:00:00.000Z'];
    const queries = new PostgresAlertQueries(gateway);
    const asked: AlertListQuery = { ...FIRST, order: 'resolved', status: ['resolved'], from, to };
    // some 150,000 alerts were resolved after those in the range
    let page = await queries.list([big], asked);
    for (let pages = 1; pages < 25 && page.alerts.length === 0; pages += 1)
      page = await queries.list([big], { ...asked, after: page.end });
    expect(page.alerts).not.toEqual([]);
  });

  it('counts stay within the bound, and say that they are incomplete', async () => {
    const selections: Partial<AlertSelection>[] = [
      {},
      { name: ['rare'] },
      { assignee: ['ana'] },
      { words: ['nowhere'] },
      { words: ['number'], service: ['rare'] },
      { name: ['rare'], labels: { site: 'nowhere' } },
    ];
    for (const selection of selections) {
      const { alerts, scans } = await costOf((queries) =>
        queries.facets([big, ...small], [big], { ...ANY, ...selection }),
      );
      expect(alerts).toBeLessThan(35_000);
      expect(scans).not.toContain('Seq Scan');
      expect(
        (await new PostgresAlertQueries(gateway).facets([big, ...small], [big], { ...ANY, ...selection })).complete,
      ).toBe(false);
    }
    const days = { selection: ANY, from: new Date('2026-01-01'), buckets: 30, bucketSeconds: 86_400 };
    expect((await costOf((queries) => queries.stats([big, ...small], days))).alerts).toBeLessThan(65_000);
    expect((await new PostgresAlertQueries(gateway).stats([big], days)).complete).toBe(false);
  }, 30_000);

  it('rare alerts are found page by page, each once', async () => {
    const queries = new PostgresAlertQueries(gateway);
    for (const order of LIST_ORDERS) {
      const found: string[] = [];
      let pages = 0;
      for (let after: AlertListQuery['after'] = null, more = true; more; pages += 1) {
        const { alerts, end } = await queries.list([big], { ...FIRST, order, service: ['rare'], after });
        found.push(...alerts.map(({ title }) => title));
        [after, more] = [end, end !== null];
      }
      expect(found.sort()).toEqual(['number 100007', 'number 200007', 'number 7']);
      // at least half of the walk must be useful: that is the purpose of sharing it out by density
      expect(pages).toBeLessThan(order === 'severity' ? 120 : 60);
    }
  }, 60_000);
});

it('the pages of a list are exactly the matching alerts in order, for any bounds and conditions', async () => {
  const tenants = [aTenant(), aTenant(), aTenant()];
  for (const [i, tenant] of tenants.entries()) {
    const columns = {
      service: one(['ovens', 'stock', 'till'], 'g * 3'),
      name: one(['hot', 'cold'], 'g * 5'),
      title: `'word' || g % 3`,
      status: one(ALERT_STATUSES, `g * ${11 + i}`),
      severity: one(SEVERITIES, 'g * 13'),
      type: one(ALERT_TYPES, 'g * 17'),
      assignee: `nullif(${one(['ana', 'ben', ''], 'g * 19')}, '')`,
      labels: `json_build_object('line', (g % 2)::text)`,
    };
    await asOwner({ url: fresh.url }, fill(columns), [tenant, 60 >> i]);
  }
  const { alerts: all } = await new PostgresAlertQueries(gateway).list(tenants, { ...FIRST, limit: 200 });
  expect(all).toHaveLength(105);
  const some = <T>(values: readonly T[]) => fc.option(fc.subarray([...values], { minLength: 1 }));
  const arbitrary = fc.record({
    tenants: fc.subarray(tenants, { minLength: 1 }),
    query: fc.record({
      status: some(ALERT_STATUSES),
      severity: some(SEVERITIES),
      service: some(['ovens', 'stock', 'nowhere']),
      notService: fc.subarray(['ovens', 'nowhere']),
      type: some(ALERT_TYPES),
      name: some(['hot', 'nowhere']),
      assignee: some(['ana', null]),
      words: fc.subarray(['word1']),
      labels: fc.constantFrom<Record<string, string>>({}, { line: '1' }),
      order: fc.constantFrom(...LIST_ORDERS),
      limit: fc.integer({ min: 1, max: 30 }),
      from: fc.constantFrom(null, all.at(-20)!.first_seen_at),
      to: fc.constantFrom(null, all[20]!.first_seen_at),
    }),
    bounds: fc.record({
      walked: fc.integer({ min: 1, max: 150 }),
      lookedAt: fc.integer({ min: 1, max: 30 }),
      counted: fc.constant(1),
    }),
  });
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ tenants: asked, query, bounds }) => {
      const queries = new PostgresAlertQueries(gateway, bounds);
      const pages: Alert[] = [];
      for (let after: AlertListQuery['after'] = null, more = true, left = 500; more; left -= 1) {
        expect(left).toBeGreaterThan(0);
        const { alerts, end, searched } = await queries.list(asked, { ...query, after });
        expect(alerts.length).toBeLessThanOrEqual(query.limit);
        if (searched) expect(searched).toEqual({ reached: end, complete: end === null });
        else expect(end === null || alerts.length === query.limit).toBe(true);
        pages.push(...alerts);
        [after, more] = [end, end !== null];
      }
      const expected = inOrder(
        all.filter(
          (alert) =>
            asked.includes(alert.tenant_id as TenantId) &&
            matches(alert, query) &&
            (query.order !== 'resolved' || alert.status === 'resolved'),
        ),
        query,
      );
      expect(pages.map(({ alert_id }) => alert_id)).toEqual(expected.map(({ alert_id }) => alert_id));
    }),
    { numRuns: 150 },
  );
}, 60_000);

function matches(
  alert: Alert,
  { status, severity, service, notService, type, name, assignee, words, labels, from, to }: AlertSelection,
): boolean {
  const isOne = <T>(values: readonly T[] | null, value: T) => values?.includes(value) ?? true;
  return (
    isOne(status, alert.status) &&
    isOne(severity, alert.severity) &&
    isOne(service, alert.service) &&
    !notService.includes(alert.service) &&
    isOne(type, alert.type) &&
    isOne(name, alert.name!) &&
    isOne(assignee, alert.assignee) &&
    words.every((word) => alert.title.includes(word)) &&
    Object.entries(labels).every(([key, value]) => alert.labels[key] === value) &&
    (from === null || alert.first_seen_at >= from) &&
    (to === null || alert.first_seen_at < to)
  );
}

function inOrder(alerts: Alert[], { order }: Pick<AlertListQuery, 'order'>): Alert[] {
  const key = ({ first_seen_at, resolved_at, alert_id }: Alert) =>
    `${order === 'resolved' ? resolved_at : first_seen_at} ${alert_id}`;
  const rank = ({ severity }: Alert) => (order === 'severity' ? SEVERITIES.indexOf(severity) : 0);
  return alerts.toSorted((a, b) => rank(a) - rank(b) || (order === 'oldest' ? 1 : -1) * (key(a) < key(b) ? -1 : 1));
}
