import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { Stack } from './kit/stack';
import { publisherToken, tokenFor } from './kit/tokens';

describe('webhooks of other systems', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.open({ gatewayEnvironment: { JWT_TENANTS_CLAIM: 'tenants' } });
  });
  afterAll(() => stack?.close());

  const key = (tenants: string[] = ['bakery']) => publisherToken({ tenants });
  const post = (path: string, body: unknown, { token, prefer }: { token?: string; prefer?: string } = {}) =>
    ask(stack.gateway.url, path, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(prefer && { Prefer: prefer }),
      },
      body: JSON.stringify(body),
    });
  const entries = (tenant: string, key = '%') =>
    stack.sql<{ change: string; title: string; note: string | null; actor: string | null }>(
      'select change, title, note, actor from tocsin.event where tenant_id = $1 and coalesce(dedup_key, $3) like $2 order by seq',
      [tenant, key, ''],
    );
  const until = (tenant: string, key: string, changes: string[]) =>
    eventually(async () => expect((await entries(tenant, key)).map(({ change }) => change)).toEqual(changes), 20_000);
  const alert = (more: object = {}, labels: object = {}) => ({
    status: 'firing',
    labels: { alertname: 'Cold', severity: 'critical', ...labels },
    annotations: { summary: 'Cold' },
    startsAt: '2026-01-02T03:04:05Z',
    endsAt: '0001-01-01T00:00:00Z',
    fingerprint: 'f1',
    ...more,
  });
  const group = (...alerts: unknown[]) => ({
    version: '4',
    groupKey: '{}:{alertname="Cold"}',
    status: 'firing',
    receiver: 'r',
    externalURL: 'http://am',
    truncatedAlerts: 0,
    groupLabels: { alertname: 'Cold' },
    commonLabels: {},
    commonAnnotations: {},
    alerts,
  });

  describe('a group of which one alert is refused', () => {
    it('is accepted, refused alerts are dead letters of their tenant, and a redrive stores nothing twice', async () => {
      const bad = alert({ fingerprint: 'x'.repeat(300) });
      const body = group(alert(), bad, alert({ fingerprint: 'f2' }, { tenant_id: 'dairy' }), 'no alert');
      const answer = await post('/api/v1/events?tenant=bakery', body, { token: key(), prefer: 'wait=10' });
      expect([answer.status, answer.json]).toMatchObject([
        201,
        {
          events: [{ tenant_id: 'bakery', outcome: 'stored' }],
          refused: [
            { pointer: '/alerts/1/fingerprint', code: 'invalid_field' },
            { pointer: '/alerts/2/labels/tenant_id', code: 'tenant_forbidden' },
            { pointer: '/alerts/3', code: 'invalid_field' },
          ],
          refused_count: 3,
        },
      ]);
      const letters = await stack.sql<{ id: number; tenant_id: string | null; reason: string }>(
        'select dead_letter_id::float8 as id, tenant_id, reason from tocsin.dead_letter order by detail',
      );
      expect(letters.map(({ tenant_id, reason }) => [tenant_id, reason])).toEqual([
        ['bakery', 'invalid_field'],
        [null, 'tenant_forbidden'],
        ['bakery', 'invalid_field'],
      ]);
      expect(await stack.gateway.metric('tocsin_refused_parts_total{reason="tenant_forbidden"}')).toBe(1);

      const operator = {
        method: 'POST',
        headers: { Authorization: `Bearer ${tokenFor('op', { scope: 'dead_letters:operate' })}` },
      };
      const before = await stack.rows();
      for (const { id, reason } of letters.filter((letter) => letter.reason === 'invalid_field')) {
        expect([reason, (await ask(stack.gateway.url, `/api/v1/dead-letters/${id}/redrive`, operator)).status]).toEqual(
          [reason, 200],
        );
      }
      // refused again, each message by itself
      await eventually(async () =>
        expect(await stack.sql(`select 1 from tocsin.dead_letter where status = 'open'`)).toHaveLength(3),
      );
      expect(await stack.rows()).toEqual(before);
    });

    it('resolves what was published of it', async () => {
      await post(
        '/api/v1/events?tenant=bakery',
        group(alert({ status: 'resolved', endsAt: '2026-01-02T03:05:00Z' }), alert({}, { tenant_id: 'a,b' })),
        { token: key() },
      );
      await until('bakery', 'f1', ['raised', 'resolved']);
    });

    it('is refused when none of it can be published, and leaves no letter', async () => {
      const before = await stack.sql('select 1 from tocsin.dead_letter');
      expect((await post('/api/v1/events?tenant=dairy', group(alert()), { token: key() })).status).toBe(403);
      expect(
        (await post('/api/v1/events', group(alert(), alert({}, { tenant_id: 'a,b' })), { token: key() })).status,
      ).toBe(422);
      expect(await stack.sql('select 1 from tocsin.dead_letter')).toHaveLength(before.length);
    });
  });

  it('a list of ours is refused as a whole for a foreign tenant', async () => {
    const message = (tenant_id: string) => ({ tenant_id, service: 's', severity: 'low', title: 'x' });
    expect(await post('/api/v1/events', [message('bakery'), message('dairy')], { token: key() })).toMatchObject({
      status: 403,
      json: { code: 'tenant_forbidden' },
    });
  });

  it("Zabbix's script sends these, and wants these answers", async () => {
    // media_pagerduty of Zabbix 6.0: what it posts, and which response it takes for success
    const enqueue = (body: object) =>
      post('/api/v1/pagerduty/bakery/zabbix/v2/enqueue', { routing_key: key(), dedup_key: '4711', ...body });
    const isSuccess = ({ status, text }: { status: number; text: string }) =>
      status === 202 && (JSON.parse(text) as { status: string }).status === 'success';
    const trigger = {
      event_action: 'trigger',
      payload: {
        summary: 'Oven 1 is cold',
        source: 'oven-1 : 10.0.0.7',
        severity: 'critical',
        custom_details: {
          'Event date': '2026.01.02',
          'Event time': '03:04:05',
          'Trigger description': '',
          'Trigger opdata': '41',
          'Event tags': 'scope:availability',
          'Event host': 'oven-1',
          'Event host ip': '10.0.0.7',
        },
      },
      links: [{ href: 'http://zabbix/tr_events.php?triggerid=1&eventid=4711', text: 'Event link' }],
      client: 'Zabbix',
      client_url: 'http://zabbix',
    };
    // three attempts to send one event are one occurrence
    for (let attempt = 0; attempt < 3; attempt += 1) expect(isSuccess(await enqueue(trigger))).toBe(true);
    await until('bakery', '4711', ['raised']);
    expect(isSuccess(await enqueue({ event_action: 'acknowledge' }))).toBe(true);
    await until('bakery', '4711', ['raised', 'noted']);
    expect((await entries('bakery', '4711'))[1]).toMatchObject({
      note: 'Acknowledged in the system that sent the alert.',
      actor: 'service',
    });
    expect(isSuccess(await enqueue({ event_action: 'resolve' }))).toBe(true);
    await until('bakery', '4711', ['raised', 'noted', 'resolved']);
    expect((await entries('bakery', '4711'))[2]).toMatchObject({ title: 'Oven 1 is cold' });

    // the client shows the first of `errors` when it is text
    for (const [body, status] of [
      [{ ...trigger, routing_key: 'samplekey' }, 401],
      [{ ...trigger, routing_key: key(['dairy']) }, 403],
      [{ event_action: 'odd' }, 422],
    ] as const) {
      const refused = await enqueue(body);
      expect([refused.status, refused.json]).toMatchObject([
        status,
        { status: 'invalid event', errors: [expect.any(String)] },
      ]);
    }
    expect(await ask(stack.gateway.url, '/api/v1/pagerduty/bakery/v2/enqueue')).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
    });
  });

  it('Grafana says what is so now: firing, firing, resolved, firing with the startsAt that it had', async () => {
    const grafana = (status: 'firing' | 'resolved', values: unknown) => ({
      receiver: 'tocsin',
      status,
      orgId: 1,
      version: '1',
      groupKey: '{}/{}:{alertname="Warm"}',
      truncatedAlerts: 0,
      groupLabels: { alertname: 'Warm' },
      commonLabels: { alertname: 'Warm' },
      commonAnnotations: {},
      externalURL: 'https://grafana.example.com/',
      title: '[FIRING:1] Warm',
      state: status === 'firing' ? 'alerting' : 'ok',
      message: '**Firing**',
      alerts: [
        {
          status,
          labels: { alertname: 'Warm', grafana_folder: 'Kitchen' },
          annotations: { summary: 'A fridge is warm' },
          startsAt: '2026-01-02T03:04:00+01:00',
          endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : '2026-01-02T03:09:00+01:00',
          generatorURL: 'https://grafana.example.com/alerting/grafana/abc/view?orgId=1',
          fingerprint: 'c6eadffa33fcdf37',
          silenceURL: 'https://grafana.example.com/alerting/silence/new',
          dashboardURL: '',
          panelURL: '',
          values,
          valueString: '',
        },
      ],
    });
    const send = (...args: Parameters<typeof grafana>) =>
      post('/api/v1/events?tenant=bakery', grafana(...args), { token: key() });
    const changes: string[] = [];
    for (const [status, values, change] of [
      ['firing', { B: 9.5 }, 'raised'],
      ['firing', null, undefined],
      ['resolved', { B: 4 }, 'resolved'],
      ['resolved', { B: 4 }, undefined],
      ['firing', { B: 9.5 }, 'reopened'],
      ['resolved', null, 'resolved'],
    ] as const) {
      expect((await send(status, values)).status).toBe(202);
      if (change) changes.push(change);
      await until('bakery', 'c6eadffa33fcdf37', changes);
    }
  });

  it('a redelivery from the queue is the same receipt, and a new delivery is a new one', async () => {
    const state = (status: string) => ({
      ...group(
        alert({ status, fingerprint: 'amqp' }, { tenant_id: 'bakery' }),
        alert({ fingerprint: 'other' }, { tenant_id: 'bakery' }),
      ),
      status,
    });
    await stack.amqp.publish('monitoring', state('firing'), { messageId: 'one' });
    await until('bakery', 'amqp', ['raised']);
    await stack.amqp.publish('monitoring', state('resolved'), { messageId: 'two' });
    await until('bakery', 'amqp', ['raised', 'resolved']);
    // earlier messages are delivered again, and change nothing
    await stack.amqp.publish('monitoring', state('firing'), { messageId: 'one' });
    await stack.amqp.publish('monitoring', state('firing'), { messageId: 'three' });
    await until('bakery', 'amqp', ['raised', 'resolved', 'reopened']);
    expect(
      (
        await stack.sql<{ event_id: string }>(`select event_id from tocsin.event where dedup_key = 'amqp' order by seq`)
      ).map(({ event_id }) => event_id),
    ).toEqual(['one/0', 'two/0', 'three/0']);
  });

  it.each([
    ['a tab', '%09'],
    ['blanks', '%20%20'],
    ['a NUL', '%00'],
    ['two lines', 'oven%0A1'],
    ['an alias that no alert has', 'none'],
  ])('an Opsgenie address may hold %s as its alert: the note is taken, and no alert gets it', async (_, alias) => {
    for (const action of ['acknowledge', 'notes']) {
      const answer = await post(`/api/v1/opsgenie/bakery/v2/alerts/${alias}/${action}`, {}, { token: key() });
      expect([action, answer.status]).toEqual([action, 202]);
    }
  });

  it('no log holds a key', () => {
    const secrets = [key().split('.')[2]!, 'samplekey'];
    for (const secret of secrets) expect(stack.processes.output).not.toContain(secret);
  });
});
