// Every query of docs/search.md, as the gateway sends it. The values are drawn anew for each query, so that no run
// repeats a page that is already in the cache.
const DAY_MS = 86_400_000;
const ANY = {
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
/** The first page of every alert of a tenant, the newest first, as the adapter gets the query. */
export const FIRST = { ...ANY, order: 'newest', limit: 50, after: null };
const OPEN = ['firing', 'acknowledged', 'snoozed'];

const below = (count) => Math.floor(Math.random() * count);
const daysAgo = (days) => new Date(Date.now() - days * DAY_MS).toISOString();

/** A list query, as the adapter gets it. */
const list = (query) => (queries, tenants) => queries.list(tenants, { ...FIRST, ...query() });

/** A query for groups, as the adapter gets it. */
const groups = (query) => (queries, tenants) => queries.groups(tenants, { ...FIRST, ...query() });

/** The tenth page, or another one: `after` as the client has it. */
const deep =
  (query, number = 10) =>
  async (queries, tenants, { measured }) => {
    let after = null;
    for (let page = 0; page < number - 1; page += 1) {
      const { end } = await queries.list(tenants, { ...FIRST, ...query, after });
      if (!end) break;
      after = end;
    }
    return measured(() => queries.list(tenants, { ...FIRST, ...query, after }));
  };

/** A random alert of the tenants: a page that begins on a random day. */
async function someAlert(queries, tenants) {
  const { alerts } = await queries.list(tenants, { ...FIRST, to: daysAgo(below(80)), limit: 1 });
  return alerts[0];
}

/** By name: a query to the port `AlertQueries`, or to the event log. */
export const QUERIES = {
  'the newest': list(() => ({})),
  'the newest, 200 of them': list(() => ({ limit: 200 })),
  'the tenth page': deep({}),
  'open, most severe first': list(() => ({ status: OPEN, order: 'severity' })),
  'open, longest first': list(() => ({ status: OPEN, order: 'oldest' })),
  'tenth page, most severe first': deep({ order: 'severity' }),
  'status and severity': list(() => ({ status: ['firing'], severity: ['urgent', 'high'] })),
  'a service': list(() => ({ service: [`service-${below(12)}`] })),
  'a service that is rare': list(() => ({ service: ['boiler'] })),
  'a service that is not there': list(() => ({ service: ['nowhere'] })),
  'a name that is rare': list(() => ({ name: ['meltdown'] })),
  'a rare one, most severe first': list(() => ({ service: ['boiler'], order: 'severity' })),
  'service, severity and state': list(() => ({ service: ['boiler'], severity: ['low'], status: ['resolved'] })),
  "a rare one's third page": deep({ service: ['nowhere'] }, 3),
  'a type': list(() => ({ type: ['recommendation'] })),
  'a name': list(() => ({ name: [`name_${below(50)}`] })),
  mine: list(() => ({ assignee: [`user-${below(20)}`], status: OPEN })),
  "nobody's": list(() => ({ assignee: [null], status: OPEN })),
  'a day': list(() => ({ from: daysAgo(31), to: daysAgo(30) })),
  'a label': list(() => ({ labels: { site: `site-${below(30)}` } })),
  'a word': list(() => ({ words: [`word${below(300)}`] })),
  'a word of a rare service': list(() => ({ service: ['boiler'], words: [`word${below(300)}`] })),
  'words that hardly any has': list(() => ({ words: ['unicorn', `word${below(300)}`] })),
  'a word among open ones': list(() => ({ words: [`word${below(300)}`], status: OPEN })),
  facets: (queries, tenants) => queries.facets(tenants, tenants, { ...ANY, status: OPEN }),
  'facets of a rare name': (queries, tenants) => queries.facets(tenants, tenants, { ...ANY, name: ['meltdown'] }),
  'facets of a word': (queries, tenants) => queries.facets(tenants, tenants, { ...ANY, words: [`word${below(300)}`] }),
  'numbers of each tenant': (queries, tenants) =>
    queries.tenantStats(tenants, { from: new Date(Date.now() - DAY_MS), buckets: 24, bucketSeconds: 3_600 }),
  'groups by service': groups(() => ({ by: 'service', status: OPEN })),
  'groups by name, worst first': groups(() => ({ by: 'name', status: OPEN, order: 'severity' })),
  'groups by a label': groups(() => ({ by: { label: 'site' }, status: OPEN })),
  'groups of a word': groups(() => ({ by: 'service', words: [`word${below(300)}`] })),
  'one alert': async (queries, tenants, { measured }) => {
    const { alert_id } = await someAlert(queries, tenants);
    return measured(() => queries.find(tenants, [alert_id]));
  },
  'its history': async (queries, tenants, { measured }) => {
    const { tenant_id, alert_id } = await someAlert(queries, tenants);
    return measured(() => queries.history(tenant_id, alert_id, { before: null, limit: 50 }));
  },
  'the log behind a cursor': (_, [tenant], { log, numbers }) => log.after(tenant, below(numbers(tenant)), 50),
  'figures of a day': (queries, tenants) =>
    queries.stats(tenants, { selection: ANY, from: new Date(Date.now() - DAY_MS), buckets: 24, bucketSeconds: 3_600 }),
  'figures of a word': (queries, tenants) =>
    queries.stats(tenants, {
      selection: { ...ANY, words: [`word${below(300)}`] },
      from: new Date(Date.now() - DAY_MS),
      buckets: 24,
      bucketSeconds: 3_600,
    }),
  'figures of a month': (queries, tenants) =>
    queries.stats(tenants, {
      selection: ANY,
      from: new Date(Date.now() - 30 * DAY_MS),
      buckets: 30,
      bucketSeconds: 86_400,
    }),
};
