import fc from 'fast-check';
import { ALERT_ORDERS, ALERT_STATUSES, ALERT_TYPES, Refused, SEVERITIES, type AlertSearch } from '@tocsin/contracts';
import { bodyAs, queryAs } from '../request/testing/read-request';
import { AlertSearchFields, searchOf, type AlertSearchRequest } from './alert-search';
import { formatPlace } from './page-cursor';

const body = async (search: unknown) =>
  searchOf(
    await bodyAs(AlertSearchFields, Buffer.from(typeof search === 'string' ? search : JSON.stringify(search))),
    'ana',
  );
const query = async (text: string) => searchOf(await queryAs(AlertSearchFields, text), 'ana');
const NOTHING: AlertSearchRequest = {
  tenants: { named: null, excluded: [] },
  facets: false,
  digest: expect.any(String) as string,
  query: {
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
    order: 'newest',
    limit: 50,
    after: null,
  },
};

it('an absent field and an empty list set no condition', async () => {
  for (const read of await Promise.all([
    query(''),
    query('status=&q=&tenant=,'),
    body({}),
    body({ status: [], q: ' ', labels: {}, tenant: [] }),
  ]))
    expect(read).toEqual(NOTHING);
});

it('values are parsed into their types', async () => {
  expect(
    await query(
      '' +
        'status=Firing,snoozed&status=firing&assignee=me,none&label.a=1,2&from=2026-01-01&to=2026-01-02T01:00%2B01:00&q=%20Low%20%20flour%20Low&limit=200&order=SEVERITY&facets=true&tenant=a&tenant_id=b&not_tenant=c&not_service=Oven,till&not_service=oven',
    ),
  ).toEqual({
    tenants: { named: ['a', 'b'], excluded: ['c'] },
    facets: true,
    digest: expect.any(String) as string,
    query: {
      ...NOTHING.query,
      status: ['firing', 'snoozed'],
      notService: ['Oven', 'oven', 'till'],
      assignee: ['ana', null],
      labels: { a: '1,2' },
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-02T00:00:00.000Z',
      words: ['Low', 'flour'],
      limit: 200,
      order: 'severity',
    },
  });
});

it('words in quotes are one, and a quote that begins none is a letter', async () => {
  const wordsIn = async (q: string) => (await body({ q })).query.words;
  expect(await wordsIn('low "oven 2"  flour "oven 2"')).toEqual(['low', 'oven 2', 'flour']);
  expect(await wordsIn('19" "rack')).toEqual(['19"', '"rack']);
  expect(await wordsIn(Array.from({ length: 8 }, (_, n) => `"a b ${n}"`).join(' '))).toHaveLength(8);
});

const values = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 3 });
const searches: fc.Arbitrary<AlertSearch> = fc.record(
  {
    tenant: values,
    status: fc.subarray([...ALERT_STATUSES]),
    severity: fc.subarray([...SEVERITIES]),
    service: values,
    type: fc.subarray([...ALERT_TYPES]),
    not_service: values,
    not_tenant: fc.subarray(['cafe', 'shop']),
    name: values,
    assignee: values,
    labels: fc.dictionary(fc.stringMatching(/^[a-z&=.]{1,8}$/), fc.stringMatching(/^[a-z,&=% ]{0,8}$/), { maxKeys: 3 }),
    from: fc.constant('2026-01-01T00:00:00.000Z'),
    to: fc.constant('2026-01-02T00:00:00.000Z'),
    q: fc.stringMatching(/^[a-z%_ "\\]{0,10}$/),
    order: fc.constantFrom(...ALERT_ORDERS),
    limit: fc.integer({ min: 1, max: 200 }),
    facets: fc.boolean(),
  },
  { requiredKeys: [] },
);

function asQuery({ labels = {}, ...fields }: AlertSearch): string {
  const parameters = new URLSearchParams(
    Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]),
  );
  for (const [key, value] of Object.entries(labels)) parameters.append(`label.${key}`, value);
  return parameters.toString();
}

it('an equal query and body are the same search, and a cursor of one is valid for the other', async () => {
  await fc.assert(
    fc.asyncProperty(searches, async (search) => {
      const asked = await body(search);
      expect(await query(asQuery(search))).toEqual(asked);
      const place = {
        severity: 'high',
        first_seen_at: '2026-01-01T00:00:00.000Z',
        alert_id: '018f0000-0000-7000-8000-000000000000',
      } as const;
      const next = await query(asQuery({ ...search, limit: 7, after: formatPlace(place, asked.digest) }));
      expect(next.query.after).toEqual(place);
    }),
  );
});

it('a cursor belongs to its conditions, given in any order, and to its sort order', async () => {
  const { digest } = await body({ status: ['firing', 'snoozed'], order: 'oldest' });
  expect((await body({ order: 'oldest', status: ['snoozed', 'firing'], limit: 1, facets: true })).digest).toBe(digest);
  for (const other of [
    { status: ['firing'], order: 'oldest' },
    { status: ['firing', 'snoozed'] },
    { status: ['firing', 'snoozed'], order: 'oldest', tenant: ['a'] },
  ])
    expect((await body(other)).digest).not.toBe(digest);
});

it('the order of resolving selects the resolved alerts of those that the status allows', async () => {
  const place = {
    severity: 'high',
    first_seen_at: '2026-01-01T00:00:00.000Z',
    resolved_at: '2026-01-01T00:00:00.000Z',
    alert_id: '018f0000-0000-7000-8000-000000000000',
  } as const;
  const { query: resolved, digest } = await query('order=Resolved');
  expect(resolved).toMatchObject({ order: 'resolved', status: ['resolved'] });
  const next = await query(`status=resolved,snoozed&order=resolved&after=${formatPlace(place, digest)}`);
  expect(next.query).toMatchObject({ status: ['resolved'], after: place });
  expect((await body({ order: 'resolved', status: ['firing'] })).query.status).toEqual([]);
});

it('any input is either read or refused', async () => {
  const attempt = async (read: () => Promise<unknown>) => {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  };
  await fc.assert(fc.asyncProperty(fc.json(), (json) => attempt(() => body(json))));
  await fc.assert(
    fc.asyncProperty(
      fc.record(
        {
          q: fc.anything(),
          labels: fc.anything(),
          status: fc.anything(),
          limit: fc.anything(),
          after: fc.anything(),
          from: fc.anything(),
        },
        { requiredKeys: [] },
      ),
      (search) => attempt(() => body(JSON.stringify(search) ?? '')),
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(
        fc.constantFrom('q', 'limit', 'after', 'from', 'to', 'status', 'label.x', 'facets', 'odd'),
        fc.string(),
      ),
      (parameters) => attempt(() => query(new URLSearchParams(parameters).toString())),
    ),
  );
});
