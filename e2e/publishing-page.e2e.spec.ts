import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

interface Example {
  heading: string;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** The requests of the page's `curl` commands, in their order. */
function examples(): Example[] {
  const page = readFileSync(join(__dirname, '..', 'docs', 'publishing.md'), 'utf8');
  return page
    .split(/^## /m)
    .slice(1)
    .flatMap((section) =>
      [...section.matchAll(/```sh\n(curl [^]*?) --data @- <<'JSON'\n([^]*?)\nJSON\n```/g)].map(
        ([, command, body]): Example => {
          const { pathname, search } = new URL(/curl '?([^' ]+)/.exec(command!)![1]!);
          const headers = Object.fromEntries(
            [...command!.matchAll(/-H ['"]([^:'"]+): ([^'"]*)['"]/g)].map(([, name, value]) => [name!, value!]),
          );
          return { heading: section.split('\n')[0]!, path: `${pathname}${search}`, headers, body: body! };
        },
      ),
    );
}

interface Row {
  [column: string]: unknown;
}

/** The page's description of its examples: each resulting entry, in their order. */
const flour = { service: 'inventory', severity: 'high', status: 'firing', message: 'Flour: 2 kg left' };
const cold = { status: 'firing', name: 'OvenCold' };
const BECOMES: Record<string, object[]> = {
  'Our own': [
    {
      ...flour,
      name: 'low_stock',
      title: 'Low stock',
      dedup_key: 'flour',
      occurred_at: '2026-01-02T03:04:05.000Z',
      labels: { site: 'north' },
      actions: [{ label: 'Order', url: 'https://shop.example.com/flour' }],
    },
  ],
  'With its number': [
    { service: 'inventory', severity: 'low', status: 'firing', name: 'oven_cold', title: 'Oven cold' },
  ],
  'CloudEvents 1.0': [
    {
      ...flour,
      name: 'com.example.low_stock',
      occurred_at: '2026-01-02T03:04:05.000Z',
      metadata: { stock: 2, cloudevent: { type: 'com.example.low_stock' } },
    },
    { ...flour, name: 'com.example.low_stock', metadata: { stock: 2 } },
  ],
  Alertmanager: [
    {
      ...cold,
      service: 'kitchen-ovens',
      severity: 'urgent',
      dedup_key: 'a1b2c3d4e5f60718',
      title: 'Oven 1 is cold',
      message: 'It is at 41 °C.',
      labels: { instance: 'oven-1:9100' },
      actions: [{ label: 'Runbook' }, { label: 'Source' }],
    },
    {
      ...cold,
      status: 'resolved',
      service: 'kitchen-ovens',
      severity: 'urgent',
      dedup_key: '18273645f0e1d2c3',
      title: 'Oven 2 is cold',
    },
  ],
  Grafana: [
    {
      ...cold,
      service: 'ovens',
      severity: 'high',
      dedup_key: 'c6eadffa33fcdf37',
      title: 'An oven is cold',
      actions: [{ label: 'Dashboard' }, { label: 'Panel' }, { label: 'Source' }, { label: 'Silence' }],
    },
  ],
  'PagerDuty Events v2': [
    {
      service: 'ovens',
      severity: 'urgent',
      status: 'firing',
      dedup_key: 'oven-1',
      title: 'Oven 1 is cold',
      name: 'temperature',
      labels: { source: 'oven-1.kitchen.example.com' },
    },
    { service: 'ovens', status: 'resolved', dedup_key: 'oven-1' },
  ],
};

/** A queue has no address: parameters such as `?tenant=` are fields of the message there. */
function addressed(body: string, path: string): string {
  const query = new URL(path, 'http://localhost').searchParams;
  if (query.size === 0) return body;
  const said = Object.fromEntries(
    [
      ['tenant_id', query.get('tenant')],
      ['service', query.get('service')],
      ['severity', query.get('severity')],
    ].filter(([, value]) => value !== null),
  ) as Record<string, string>;
  const value = JSON.parse(body) as Record<string, unknown>;
  if (!Array.isArray(value.alerts)) return JSON.stringify({ ...said, ...value });
  return JSON.stringify({
    ...value,
    alerts: value.alerts.map((alert: { labels: object }) => ({ ...alert, labels: { ...said, ...alert.labels } })),
  });
}

describe('each body of docs/publishing.md becomes the entries that the page tells of', () => {
  let stack: Stack;
  beforeAll(async () => (stack = await Stack.open()));
  afterAll(() => stack?.close());

  const entriesOf = (tenant: string): Promise<Row[]> =>
    stack.sql<Row>(
      `select service, severity, status, name, title, message, dedup_key, labels, actions, metadata, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at
       from tocsin.event where tenant_id = $1 order by seq`,
      [tenant],
    );
  const overHttp = async ({ path, headers, body }: Example): Promise<void> => {
    const answer = await ask(stack.gateway.url, path, {
      method: 'POST',
      headers: { ...headers, Authorization: `Bearer ${tokenFor('svc', { scope: 'events:publish' })}` },
      body,
    });
    if (answer.status < 200 || answer.status > 299) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  };
  const overAmqp = async ({ path, headers, body }: Example): Promise<void> => {
    const attributes = Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => name.startsWith('ce-'))
        .map(([name, value]) => [`cloudEvents:${name.slice('ce-'.length)}`, value]),
    );
    await stack.amqp.publish('from.the.page', addressed(body, path), {
      contentType: headers['Content-Type'],
      headers: attributes,
    });
  };

  it.each([
    ['HTTP', overHttp],
    ['AMQP', overAmqp],
  ] as const)('over %s', async (door, send) => {
    const tenant = `bakery-by-${door}`;
    const told = new Map(Object.entries(BECOMES).map(([heading, entries]) => [heading, [...entries]]));
    let seen = 0;
    for (const example of examples()) {
      await send(JSON.parse(JSON.stringify(example).replaceAll('north-bakery', tenant)) as Example);
      const added = await eventually(async () => {
        const rows = (await entriesOf(tenant)).slice(seen);
        // an alert whose second part is stored a moment after its first
        const awaited = example.heading === 'Alertmanager' ? 2 : 1;
        if (rows.length < awaited) throw new Error(`${example.heading}: ${rows.length} of ${awaited} entries`);
        return rows;
      }, 20_000);
      seen += added.length;
      const expected = told.get(example.heading)?.splice(0, added.length) ?? [];
      if (BECOMES[example.heading]) expect(added).toMatchObject(expected);
    }
    // every expectation of this test was used, so the page still has all examples
    expect([...told].filter(([, left]) => left.length > 0)).toEqual([]);
    expect(await stack.sql('select reason, detail from tocsin.dead_letter')).toEqual([]);
  });

  it('and the same ones by either door', async () => {
    const [http, amqp] = await Promise.all(
      ['bakery-by-HTTP', 'bakery-by-AMQP'].map(async (tenant) =>
        (await entriesOf(tenant)).map(({ labels: _labels, metadata: _metadata, occurred_at: _at, ...rest }) => rest),
      ),
    );
    expect(http!.length).toBeGreaterThanOrEqual(examples().length);
    expect(amqp).toEqual(http);
  });
});
