import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Alert, AlertPage, Entry, EntryPage } from '@tocsin/contracts/wire';
import { ask, type Answer } from './kit/http';
import { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

/** The requests that the `curl` commands of docs/search.md make. */
const EXAMPLES = [
  ...readFileSync(join(__dirname, '..', 'docs', 'search.md'), 'utf8').matchAll(/^curl (?:.*\\\n)*.*$/gm),
].map(([command]) => ({
  command,
  path: /"\$TOCSIN([^"]+)"/.exec(command)![1]!,
  headers: Object.fromEntries(
    [...command.matchAll(/-H "([^:"]+): ([^"]+)"/g)].map(([, name, value]) => [name!, value!]),
  ),
  body: /-d '([^']+)'/.exec(command)?.[1],
}));

/** A user of both tenants, of one, of another one, and of none. */
const TENANTS = { ana: ['bakery', 'cafe'], ben: ['bakery'], eve: ['rival'], nobody: [], demo: ['north-bakery'] };
type User = keyof typeof TENANTS;
const minute = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString();

describe('alerts over HTTP', () => {
  let stack: Stack;
  let published = 0;
  beforeAll(async () => {
    stack = await Stack.open({ tenants: TENANTS });
    await publish(
      {
        id: '1',
        title: 'Flour is low',
        dedup_key: 'flour',
        severity: 'high',
        labels: { site: 'north' },
        occurred_at: minute(1),
      },
      { id: '2', title: 'Oven is cold', service: 'ovens', severity: 'urgent', name: 'oven_cold' },
      { id: '3', title: 'Order more', type: 'recommendation', severity: 'low' },
      { id: '4', title: 'Milk is low', tenant_id: 'cafe', severity: 'medium', labels: { site: 'south' } },
      { id: '5', title: 'Theirs is low', tenant_id: 'rival', severity: 'urgent' },
      { id: '7', title: 'Flour is low', tenant_id: 'north-bakery', severity: 'urgent', labels: { site: 'north' } },
      { id: '8', title: 'Order flour', tenant_id: 'north-bakery', type: 'recommendation' },
      {
        id: '6',
        title: 'Flour came',
        dedup_key: 'flour',
        severity: 'high',
        status: 'resolved',
        occurred_at: minute(2),
      },
    );
  });
  afterAll(() => stack?.close());

  async function publish(...messages: { id: string; service?: string; [field: string]: unknown }[]): Promise<void> {
    for (const message of messages)
      await stack.amqp.publish('alerts', {
        tenant_id: 'bakery',
        service: 'inventory',
        severity: 'low',
        name: 'low_stock',
        ...message,
      });
    published += messages.length;
    await stack.stored(published);
  }
  const call = (user: User, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(stack.gateway.url, `/api/v1/${path}`, {
      headers: {
        Authorization: `Bearer ${tokenFor(user)}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const good = async <T>(user: User, path: string, body?: unknown): Promise<T> => {
    const answer = await call(user, path, body);
    expect([answer.status, path, answer.text]).toEqual([200, path, expect.any(String)]);
    return answer.json as T;
  };
  const titles = async (user: User, path: string, body?: unknown) =>
    (await good<AlertPage>(user, path, body)).alerts.map(({ title }) => title).sort();
  const refused = ({ status, json }: Answer) => [
    status,
    json.code,
    json.errors?.map(({ parameter, pointer }) => parameter ?? pointer),
  ];

  it('are listed with and without a slash, by parameters and by a body', async () => {
    expect(await titles('ana', 'alerts')).toEqual(['Flour came', 'Milk is low', 'Order more', 'Oven is cold']);
    expect(await titles('ana', 'alerts/?tenant=cafe')).toEqual(['Milk is low']);
    expect(await titles('ana', 'alerts?tenant_id=cafe&status=firing,resolved&severity=MEDIUM')).toEqual([
      'Milk is low',
    ]);
    expect(await titles('ana', 'alerts?q=is%20low&label.site=south')).toEqual(['Milk is low']);
    expect(await titles('ana', 'alerts?q=%22low%20is%22')).toEqual([]);
    expect(await titles('ana', 'alerts/search', { q: '"is low"' })).toEqual(['Milk is low']);
    expect(
      await titles('ana', 'alerts/search', { service: ['ovens'], name: ['oven_cold'], assignee: ['none'], labels: {} }),
    ).toEqual(['Oven is cold']);
    expect(await titles('ana', 'alerts/search/', { type: [], order: 'oldest' })).toHaveLength(4);
    expect(await titles('ana', 'alerts?assignee=me')).toEqual([]);
    expect(await titles('ana', 'alerts?to=2026-01-01')).toEqual([]);
    const page = await good<AlertPage>('ben', 'alerts?facets=true&limit=1&order=severity&q=i');
    expect(page).toMatchObject({
      alerts: [{ title: 'Oven is cold' }],
      facets: { severity: { urgent: 1 }, tenant: { bakery: 1 }, complete: true },
      searched: { reached: null, complete: true },
      next: null,
    });
  });

  it.each(['alerts', 'events', 'stats', 'tenants', 'me/cursor', 'dead-letters'])(
    '%s is the same with a slash behind it, with a query and without',
    async (path) => {
      const query = path === 'stats' ? '?from=2026-01-01&to=2026-12-31' : '';
      const headers = { Authorization: `Bearer ${tokenFor('ana', { scope: 'alerts:read dead_letters:manage' })}` };
      const [plain, slashed, asked] = await Promise.all(
        [`${path}${query}`, `${path}/${query}`, `${path}/${query || '?'}`].map((one) =>
          ask(stack.gateway.url, `/api/v1/${one}`, { headers }),
        ),
      );
      expect([plain!.status, slashed!.status, asked!.status]).toEqual([200, 200, 200]);
      expect([slashed!.text, asked!.text]).toEqual([plain!.text, plain!.text]);
    },
  );

  it('are shown one by one, with a history, and not to others', async () => {
    const [alert] = (await good<AlertPage>('ben', 'alerts?status=resolved')).alerts as [Alert];
    expect(alert).toMatchObject({
      tenant_id: 'bakery',
      title: 'Flour came',
      severity: 'high',
      occurrences: 2,
      labels: {},
      actor: null,
      dedup_key: 'flour',
    });
    expect(await good('ben', `alerts/${alert.alert_id.toUpperCase()}`)).toEqual(alert);
    const history = await good<EntryPage>('ana', `alerts/${alert.alert_id}/history?limit=1`);
    expect(history.events).toMatchObject([{ event_id: '6', change: 'resolved', seq: alert.last_seq }]);
    expect(
      (await good<EntryPage>('ana', `alerts/${alert.alert_id}/history/?after=${history.next}`)).events,
    ).toMatchObject([{ event_id: '1', change: 'raised', previous: null }]);
    const unknown = await call('eve', 'alerts/018f0000-0000-7000-8000-000000000000');
    for (const path of [
      `alerts/${alert.alert_id}`,
      `alerts/${alert.alert_id}/history`,
      'alerts/no-uuid',
      'alerts/%00',
    ]) {
      const answer = await call('eve', path);
      expect({ ...answer.json, instance: '' }).toEqual({ ...unknown.json, instance: '' });
      expect(answer.status).toBe(404);
    }
  });

  it('come with a position from which a stream misses nothing, and alerts that are raised meanwhile make neither doubles nor holes', async () => {
    const before = await good<AlertPage>('ben', 'alerts?limit=2');
    const seen = before.alerts.map(({ alert_id }) => alert_id);
    for (let next = before.next; next;) {
      await publish(
        { id: `more-${published}`, title: 'more' },
        {
          id: `again-${published}`,
          title: 'Flour came',
          dedup_key: 'flour',
          status: 'resolved',
          occurred_at: minute(3 + published),
        },
      );
      const page = await good<AlertPage>('ben', `alerts?limit=1&after=${next}`);
      seen.push(...page.alerts.map(({ alert_id }) => alert_id));
      next = page.next;
    }
    expect(seen).toHaveLength(3);
    expect(new Set(seen).size).toBe(3);
    const now = await good<AlertPage>('ben', 'alerts');
    const stream = await stack.watch('ben', { headers: { 'Last-Event-ID': before.cursor } });
    const missed = now.alerts.filter(({ alert_id }) => !seen.includes(alert_id)).map(({ alert_id }) => alert_id);
    expect(missed.length).toBeGreaterThan(0);
    for (const alert_id of missed) await stream.frame(({ data }) => data.includes(`"alert_id":"${alert_id}"`));
    stream.close();
  });

  it('have a log that is read by cursor, tenant by tenant, and goes on as a stream', async () => {
    const whole = await good<EntryPage>('ana', 'events/?limit=200');
    expect(whole.events.map(({ tenant_id, seq }) => `${tenant_id} ${seq}`)).toEqual([
      ...Array.from({ length: whole.events.length - 1 }, (_, i) => `bakery ${i + 1}`),
      'cafe 1',
    ]);
    expect(whole.next).toBeNull();
    expect(await good<EntryPage>('ana', `events?after=${encodeURIComponent(whole.cursor)}`)).toMatchObject({
      events: [],
      next: null,
      cursor: whole.cursor,
    });
    const pages: Entry[] = [];
    for (let after = ''; ;) {
      const page = await good<EntryPage>('ana', `events?limit=2${after}`);
      pages.push(...page.events);
      if (!page.next) break;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
    expect(pages).toEqual(whole.events);
    expect((await good<EntryPage>('ana', 'events?tenant=cafe&severity=medium&label.site=south')).events).toMatchObject([
      { event_id: '4' },
    ]);
    expect((await good<EntryPage>('ana', 'events?service=ovens&type=alert')).events).toMatchObject([{ event_id: '2' }]);
  });

  it('have figures, and the user who asks has tenants', async () => {
    const stats = await good<{ open: { status: object; severity: object }; timeline: Record<string, number>[] }>(
      'ana',
      'stats?tenant=cafe&buckets=3',
    );
    expect(stats).toMatchObject({
      open: { status: { firing: 1, acknowledged: 0, snoozed: 0 }, severity: { urgent: 0, medium: 1 } },
      bucket_seconds: 28_800,
      complete: true,
    });
    expect(stats.timeline.map(({ medium }) => medium)).toEqual([0, 0, 1]);
    expect(await good('ana', 'tenants/')).toEqual({
      tenants: [
        { tenant_id: 'bakery', name: 'The bakery', role: expect.any(String) as string },
        { tenant_id: 'cafe', name: 'The cafe', role: expect.any(String) as string },
      ],
    });
  });

  const LISTS = ['alerts', 'events', 'stats'];
  it.each(LISTS)(
    '%s of a tenant that is not theirs, of no tenant, without the right or a token, are refused',
    async (path) => {
      for (const tenant of ['rival', 'nowhere'])
        expect(refused(await call('ana', `${path}?tenant=${tenant}`))).toEqual([403, 'tenant_forbidden', undefined]);
      expect(refused(await call('nobody', path))).toEqual([403, 'no_tenant', undefined]);
      expect(
        refused(
          await call('ana', path, undefined, {
            Authorization: `Bearer ${tokenFor('ana', { scope: 'events:publish' })}`,
          }),
        ),
      ).toEqual([403, 'insufficient_scope', undefined]);
      expect(refused(await ask(stack.gateway.url, `/api/v1/${path}`))).toEqual([401, 'missing_credentials', undefined]);
    },
  );

  it.each([
    ['alerts?severty=high', 'invalid_parameter', 'severty'],
    ['alerts?severity=loud', 'invalid_parameter', 'severity'],
    ['alerts?status=open', 'invalid_parameter', 'status'],
    ['alerts?limit=0', 'invalid_parameter', 'limit'],
    ['alerts?limit=201', 'invalid_parameter', 'limit'],
    ['alerts?limit=1&limit=2', 'invalid_parameter', 'limit'],
    ['alerts?limit=x', 'invalid_parameter', 'limit'],
    ['alerts?from=yesterday', 'invalid_parameter', 'from'],
    ['alerts?from=2026-02-02&to=2026-02-01', 'invalid_parameter', 'to'],
    ['alerts?order=random', 'invalid_parameter', 'order'],
    ['alerts?facets=perhaps', 'invalid_parameter', 'facets'],
    ['alerts?q=%00', 'invalid_parameter', 'q'],
    [`alerts?q=${'x'.repeat(201)}`, 'invalid_parameter', 'q'],
    ['alerts?label.=x', 'invalid_parameter', 'label.'],
    ['alerts?tenant=a%20b', 'invalid_parameter', 'tenant'],
    ['alerts?after=x', 'invalid_cursor', undefined],
    ['alerts?after=W10', 'invalid_cursor', undefined],
    ['events?limit=0', 'invalid_parameter', 'limit'],
    ['events?since=1', 'invalid_parameter', 'since'],
    ['events?after=x', 'invalid_cursor', 'after'],
    ['events?after=abcdefghij-1-aaaaaaaa', 'invalid_cursor', 'after'],
    ['stats?buckets=0', 'invalid_parameter', 'buckets'],
    ['stats?from=2020-01-01', 'invalid_parameter', 'from'],
    ['tenants?x=1', 'invalid_parameter', 'x'],
  ])('%s is 400', async (path, code, parameter) => {
    expect(refused(await call('ana', path))).toEqual([400, code, parameter === undefined ? undefined : [parameter]]);
  });

  it('the response to a misspelt name suggests the right one', async () => {
    expect((await call('ana', 'alerts?severty=high')).json.errors![0]!.detail).toContain('Did you mean "severity"?');
    expect((await call('ana', 'alerts/search', { assigne: ['me'] })).json).toMatchObject({
      status: 422,
      errors: [
        {
          pointer: '/assigne',
          detail: expect.stringContaining('Unknown field. Did you mean "assignee"? There are '),
        },
      ],
    });
  });

  it('a cursor of another list, or of another order, is refused', async () => {
    const { next } = await good<AlertPage>('ben', 'alerts?limit=1');
    for (const other of [`alerts?limit=1&severity=low&after=${next}`, `alerts?order=oldest&after=${next}`])
      expect(refused(await call('ben', other))).toEqual([400, 'invalid_cursor', undefined]);
    expect((await call('ben', `alerts?limit=5&after=${next}`)).status).toBe(200);
    expect((await call('ben', 'alerts/search', { after: next })).status).toBe(200);
  });

  it.each([
    ['{', 400, 'invalid_json', undefined],
    ['[]', 400, 'invalid_json', undefined],
    ['{"q":"\\u0000"}', 422, 'control_characters', undefined],
    [{ q: 'x'.repeat(20_000) }, 413, 'body_too_large', undefined],
    [{ status: 'firing' }, 422, 'invalid_field', ['/status']],
    [{ status: null }, 422, 'invalid_field', ['/status']],
    [{ limit: 1.5 }, 422, 'invalid_field', ['/limit']],
    [{ labels: { a: 1 } }, 422, 'invalid_field', ['/labels']],
    [{ tenant: ['a b'] }, 422, 'invalid_field', ['/tenant']],
    [{ from: 5, facets: 'yes' }, 422, 'invalid_field', ['/facets', '/from']],
    ['{"__proto__":{"limit":1}}', 422, 'unknown_field', ['/__proto__']],
    [{ service: Array.from({ length: 51 }, (_, i) => `s${i}`) }, 422, 'invalid_field', ['/service']],
    [{ after: 'x' }, 400, 'invalid_cursor', undefined],
  ])('the search %j is refused', async (body, status, code, pointers) => {
    expect(refused(await call('ana', 'alerts/search', body))).toEqual([status, code, pointers]);
  });

  it('a search without a body is one without conditions', async () => {
    expect(await titles('ana', 'alerts/search', '')).toEqual(await titles('ana', 'alerts'));
  });

  it.each(EXAMPLES)('the documented $command works', async ({ path, headers, body }) => {
    const { alerts, next, cursor } = await good<AlertPage>('demo', 'alerts?limit=1');
    const values: Record<string, string> = {
      TOKEN: tokenFor('demo'),
      NEXT: next!,
      CURSOR: cursor,
      ALERT_ID: alerts[0]!.alert_id,
    };
    const fill = (text: string) => text.replace(/\$([A-Z_]+)/g, (_, name: string) => values[name]!);
    const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]));
    if (path.startsWith('/api/events?')) {
      const stream = await SseStream.open(stack.gateway.url + fill(path), { headers: filled });
      expect((await stream.frame('connection')).data).toContain('"verdict":"resumed"');
      return stream.close();
    }
    const answer = await ask(stack.gateway.url, fill(path), { headers: filled, ...(body && { method: 'POST', body }) });
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    if (path.includes('/alerts?')) expect((answer.json as unknown as AlertPage).alerts).not.toEqual([]);
  });

  it('and every parameter has an example', () => {
    const examples = EXAMPLES.filter(({ path }) => path.startsWith('/api/v1/alerts?')).flatMap(({ path }) => [
      ...new URL(path, 'http://localhost').searchParams.keys(),
    ]);
    expect([...new Set(examples)].sort()).toEqual([
      'after',
      'assignee',
      'facets',
      'from',
      'label.site',
      'limit',
      'name',
      'not_service',
      'not_tenant',
      'order',
      'q',
      'service',
      'severity',
      'status',
      'tenant',
      'to',
      'type',
      'without',
    ]);
  });

  it('of another type, or by another method, is 415 and 405', async () => {
    expect(refused(await call('ana', 'alerts/search', '{}', { 'Content-Type': 'text/plain' }))).toEqual([
      415,
      'unsupported_media_type',
      undefined,
    ]);
    for (const [path, allow] of [
      ['alerts/search', 'POST'],
      ['tenants', 'GET, HEAD'],
      ['stats', 'GET, HEAD'],
      ['alerts/groups', 'GET, HEAD'],
    ] as const) {
      const answer = await ask(stack.gateway.url, `/api/v1/${path}`, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${tokenFor('ana')}` },
      });
      expect([answer.status, answer.json.code, answer.headers.allow]).toEqual([405, 'method_not_allowed', allow]);
    }
    expect(
      (
        await ask(stack.gateway.url, '/api/v1/alerts', {
          method: 'HEAD',
          headers: { Authorization: `Bearer ${tokenFor('ana')}` },
        })
      ).status,
    ).toBe(200);
  });
});
