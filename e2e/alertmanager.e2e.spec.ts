import { eventually } from '@tocsin/contracts/testing';
import { Alertmanager, webhook, type AlertmanagerOptions, type PostedAlert } from './kit/alertmanager';
import { ask } from './kit/http';
import { describeWith } from './kit/programs';
import { Stack } from './kit/stack';
import { publisherToken, tokenFor } from './kit/tokens';

/** How long a real Alertmanager takes for its cycle on a busy machine. */
const SOON_MS = 30_000;
jest.setTimeout(120_000);

describeWith('prometheus-alertmanager', 'a real Alertmanager', () => {
  let stack: Stack;
  const open: Alertmanager[] = [];
  beforeAll(async () => {
    stack = await Stack.open({
      tenants: { ana: ['timeout', 'many', 'bad', 'cut', 'twice', 'person', 'pages', 'genie'] },
    });
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  afterAll(() => stack?.close());

  async function start(options: AlertmanagerOptions): Promise<Alertmanager> {
    const alertmanager = await Alertmanager.start(options);
    open.push(alertmanager);
    return alertmanager;
  }
  const toTenant = (tenant: string, more?: string) =>
    webhook(`${stack.gateway.url}/api/v1/events?tenant=${tenant}`, publisherToken(), more);
  const cold = (more: Partial<PostedAlert> = {}, labels: Record<string, string> = {}): PostedAlert => ({
    labels: { alertname: 'Cold', severity: 'critical', ...labels },
    annotations: { summary: 'An oven is cold' },
    ...more,
  });
  const past = (seconds: number) => new Date(Date.now() - seconds * 1_000);

  /** The changes of a tenant's alerts, in the order of its event log. */
  const changes = async (tenant: string, key = '%') =>
    (
      await stack.sql<{ change: string }>(
        `select change from tocsin.event where tenant_id = $1 and dedup_key like $2 order by seq`,
        [tenant, key],
      )
    ).map(({ change }) => change);
  const until = (tenant: string, expected: string[]) =>
    eventually(async () => expect(await changes(tenant)).toEqual(expected), SOON_MS);
  /** The alerts that the page lists. */
  async function listed(tenant: string, status: string): Promise<{ alert_id: string; title: string }[]> {
    const alerts: { alert_id: string; title: string }[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await ask(
        stack.gateway.url,
        `/api/v1/alerts?tenant=${tenant}&status=${status}&limit=200${cursor && `&after=${encodeURIComponent(cursor)}`}`,
        { headers: { Authorization: `Bearer ${tokenFor('ana')}` } },
      );
      const { alerts: found, next } = page.json as unknown as { alerts: typeof alerts; next: string | null };
      alerts.push(...found);
      cursor = next;
    }
    return alerts;
  }

  it('fires, times out, fires again with the same startsAt, and resolves', async () => {
    const alertmanager = await start({ receiver: toTenant('timeout'), repeatInterval: '1s' });
    const startsAt = past(600);
    const repeats = () => stack.processors[0]!.metric('tocsin_ingest_messages_total{result="duplicate"}');
    const before = await repeats();
    await alertmanager.post(cold({ startsAt, endsAt: new Date(Date.now() + 60_000) }));
    await until('timeout', ['raised']);
    // an alert that still fires is sent again, and changes nothing
    await eventually(async () => expect(await repeats()).toBeGreaterThan(before + 1), SOON_MS);
    expect(await changes('timeout')).toEqual(['raised']);

    await alertmanager.post(cold({ startsAt, endsAt: new Date() }));
    await until('timeout', ['raised', 'resolved']);
    await alertmanager.post(cold({ startsAt }));
    await until('timeout', ['raised', 'resolved', 'reopened']);
    expect(await listed('timeout', 'firing')).toHaveLength(1);
    // it is not posted any more, so it times out
    await until('timeout', ['raised', 'resolved', 'reopened', 'resolved']);
    await alertmanager.post(cold({ startsAt, endsAt: new Date(Date.now() + 60_000) }));
    await until('timeout', ['raised', 'resolved', 'reopened', 'resolved', 'reopened']);
    await alertmanager.post(cold({ startsAt, endsAt: new Date() }));
    await until('timeout', ['raised', 'resolved', 'reopened', 'resolved', 'reopened', 'resolved']);
    expect(await listed('timeout', 'firing')).toEqual([]);
    expect(
      await stack.sql(
        'select distinct startsat from (select occurred_at as startsat from tocsin.event where tenant_id = $1 and status = $2) as firing',
        ['timeout', 'firing'],
      ),
    ).toHaveLength(1);
  });

  it('sends a group of 600, and its end', async () => {
    const alertmanager = await start({ receiver: toTenant('many') });
    const group = (more: Partial<PostedAlert>) =>
      Array.from({ length: 600 }, (_, index) => cold(more, { instance: `oven-${index}` }));
    await alertmanager.post(...group({ startsAt: past(60), endsAt: new Date(Date.now() + 60_000) }));
    await eventually(async () => expect(await changes('many')).toHaveLength(600), SOON_MS);
    expect(await listed('many', 'firing')).toHaveLength(600);
    await alertmanager.post(...group({ startsAt: past(60), endsAt: new Date() }));
    await eventually(async () => expect(await listed('many', 'resolved')).toHaveLength(600), SOON_MS);
    expect(await changes('many')).toHaveLength(1_200);
  });

  it('sends an invalid alert beside one that ends: the end is stored', async () => {
    const alertmanager = await start({ receiver: toTenant('bad') });
    const ends = (endsAt: Date) => [
      cold({ startsAt: past(60), endsAt, annotations: { summary: '\u001b[31mcold\u001b[0m' } }, { instance: 'a' }),
      cold(
        { startsAt: past(60), endsAt: new Date(Date.now() + 60_000) },
        { instance: 'b', tenant_id: 'no tenant, at all' },
      ),
    ];
    await alertmanager.post(...ends(new Date(Date.now() + 60_000)));
    await until('bad', ['raised']);
    expect(await listed('bad', 'firing')).toMatchObject([{ title: '\ufffd[31mcold\ufffd[0m' }]);
    await alertmanager.post(...ends(new Date()));
    await until('bad', ['raised', 'resolved']);
    expect(await alertmanager.metric('alertmanager_notifications_failed_total{integration="webhook"')).toBe(0);
    expect(
      await stack.sql(
        `select distinct reason, tenant_id from tocsin.dead_letter where detail like '/alerts/%/labels/tenant_id%'`,
      ),
    ).toEqual([{ reason: 'invalid_field', tenant_id: null }]);
  });

  it('leaves alerts out, which is told until none is', async () => {
    const alertmanager = await start({ receiver: toTenant('cut', 'max_alerts: 2'), repeatInterval: '1s' });
    const ovens = (endsAt: Date, from: number) =>
      Array.from({ length: 5 - from }, (_, index) =>
        cold({ startsAt: past(60), endsAt }, { instance: `oven-${from + index}` }),
      );
    await alertmanager.post(...ovens(new Date(Date.now() + 60_000), 0));
    await eventually(
      async () =>
        expect((await listed('cut', 'firing')).map(({ title }) => title)).toContain(
          '3 more alerts were not sent (Cold)',
        ),
      SOON_MS,
    );
    expect(await changes('cut', 'left-out/%')).toEqual(['raised']);
    // one alert goes on; the others end, are left out as well, and are forgotten: the next body leaves none out
    await alertmanager.post(...ovens(new Date(), 1));
    await eventually(async () => expect(await changes('cut', 'left-out/%')).toEqual(['raised', 'resolved']), SOON_MS);
    expect((await listed('cut', 'firing')).map(({ title }) => title)).not.toContain(
      '3 more alerts were not sent (Cold)',
    );
  });

  it('and its twin, which both send everything, ring once', async () => {
    const twins = [await start({ receiver: toTenant('twice') }), await start({ receiver: toTenant('twice') })];
    const sent = async () =>
      Promise.all(twins.map((twin) => twin.metric('alertmanager_notifications_total{integration="webhook"')));
    const startsAt = past(60);
    for (const twin of twins) await twin.post(cold({ startsAt, endsAt: new Date(Date.now() + 60_000) }));
    await eventually(async () => expect(await sent()).toEqual([1, 1]), SOON_MS);
    await until('twice', ['raised']);
    for (const twin of twins) await twin.post(cold({ startsAt, endsAt: new Date() }));
    await eventually(async () => expect(await sent()).toEqual([2, 2]), SOON_MS);
    await until('twice', ['raised', 'resolved']);
  });

  it('rings again when a person has resolved what goes on', async () => {
    const alertmanager = await start({ receiver: toTenant('person'), repeatInterval: '1s' });
    await alertmanager.post(cold({ startsAt: past(60), endsAt: new Date(Date.now() + 120_000) }));
    await until('person', ['raised']);
    const [alert] = await listed('person', 'firing');
    const headers = {
      Authorization: `Bearer ${tokenFor('ana', { scope: 'alerts:read alerts:write' })}`,
      'Content-Type': 'application/json',
    };
    expect(
      (
        await ask(stack.gateway.url, `/api/v1/alerts/${alert!.alert_id}`, {
          method: 'PATCH',
          headers,
          body: JSON.stringify({ act: 'resolve' }),
        })
      ).status,
    ).toBe(200);
    await until('person', ['raised', 'resolved', 'reopened']);
  });

  it('takes us for PagerDuty, and for Opsgenie', async () => {
    const pages = `pagerduty_configs: [{ url: '${stack.gateway.url}/api/v1/pagerduty/pages/ovens/v2/enqueue', routing_key: '${publisherToken()}' }]`;
    const genie = `opsgenie_configs: [{ api_url: '${stack.gateway.url}/api/v1/opsgenie/genie/ovens/', api_key: '${publisherToken()}', priority: 'P2', update_alerts: true }]`;
    const alertmanager = await start({ receiver: `${pages}\n${genie}` });
    const startsAt = past(60);
    await alertmanager.post(cold({ startsAt, endsAt: new Date(Date.now() + 60_000) }));
    for (const tenant of ['pages', 'genie']) await until(tenant, ['raised']);
    expect(await stack.sql(`select distinct service from tocsin.alert where tenant_id in ('pages', 'genie')`)).toEqual([
      { service: 'ovens' },
    ]);
    // a new alert of the group posts the whole group again under its key
    await alertmanager.post(cold({ startsAt, endsAt: new Date(Date.now() + 60_000) }, { instance: 'b' }));
    await eventually(
      async () =>
        expect(await alertmanager.metric('alertmanager_notifications_total{integration="opsgenie"')).toBeGreaterThan(1),
      SOON_MS,
    );
    await alertmanager.post(
      cold({ startsAt, endsAt: new Date() }),
      cold({ startsAt, endsAt: new Date() }, { instance: 'b' }),
    );
    for (const tenant of ['pages', 'genie']) await until(tenant, ['raised', 'resolved']);
    for (const integration of ['pagerduty', 'opsgenie'])
      expect(await alertmanager.metric(`alertmanager_notifications_failed_total{integration="${integration}"`)).toBe(0);
  });
});
