import type { StoredEvent } from '@tocsin/contracts';
import { aPlannedEvent, aTenant, describeAlertQueries } from '@tocsin/contracts/testing';
import { PostgresAlertQueries } from './alert-queries.postgres';
import { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

describeAlertQueries('PostgreSQL', {
  async open() {
    const { url, drop } = await freshDatabase();
    const [processor, gateway] = (['tocsin_processor', 'tocsin_gateway'] as const).map(
      (role) => new Database({ connection: { url }, role }),
    ) as [Database, Database];
    return {
      log: new PostgresEventLog(processor),
      queries: new PostgresAlertQueries(gateway),
      assign: async (tenant, alertId, user) =>
        void (await asOwner({ url }, 'update tocsin.alert set assignee = $3 where tenant_id = $1 and alert_id = $2', [
          tenant,
          alertId,
          user,
        ])),
      async close() {
        await Promise.all([processor.close(), gateway.close()]);
        await drop();
      },
    };
  },
});

describe('alerts in PostgreSQL', () => {
  let fresh: FreshDatabase;
  let gateway: Database;
  let log: PostgresEventLog;
  let processor: Database;
  beforeAll(async () => {
    fresh = await freshDatabase();
    [processor, gateway] = (['tocsin_processor', 'tocsin_gateway'] as const).map((role) => fresh.open(role)) as [
      Database,
      Database,
    ];
    log = new PostgresEventLog(processor);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([processor?.close(), gateway?.close()]);
    await fresh?.drop();
  });
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
  const FIRST = { ...ANY, order: 'newest', limit: 10, after: null } as const;
  const HOUR = { selection: ANY, from: new Date(Date.now() - 3_600_000), buckets: 2, bucketSeconds: 3_600 };

  it('of another tenant stay hidden from a statement that asks for them: row-level security alone hides them', async () => {
    const [mine, theirs] = [aTenant(), aTenant()];
    const [, foreign] = await log.append([
      aPlannedEvent({ tenant_id: mine, title: 'mine' }),
      aPlannedEvent({ tenant_id: theirs, title: 'theirs' }),
    ]);
    const { alert_id } = (foreign as { event: StoredEvent }).event.entry;
    // every statement gets both tenants, as if it had no condition on the tenant
    const queries = new PostgresAlertQueries({
      as: (_: unknown, work: Parameters<Database['as']>[1]) => gateway.as([mine], work),
    } as unknown as Database);
    const both = [mine, theirs];
    for (const query of [
      FIRST,
      { ...FIRST, words: ['m'] },
      { ...FIRST, labels: { site: 'north' } },
      { ...FIRST, order: 'oldest' as const },
      { ...FIRST, order: 'severity' as const },
    ]) {
      expect((await queries.list(both, query)).alerts.map(({ title }) => title)).not.toContain('theirs');
    }
    expect((await queries.list(both, FIRST)).alerts).toHaveLength(1);
    expect((await queries.facets(both, both, ANY)).tenant).toEqual({ [mine]: 1 });
    expect((await queries.facets(both, both, { ...ANY, words: ['e'] })).tenant).toEqual({ [mine]: 1 });
    expect(await queries.find(both, [alert_id])).toEqual([]);
    expect((await queries.history(theirs, alert_id, { before: null, limit: 10 })).entries).toEqual([]);
    expect((await queries.stats(both, HOUR)).open.status).toMatchObject({ firing: 1 });
  });

  it('are searched and counted within the bounds, the newest and the open ones first, and the result says that it is incomplete', async () => {
    const [one, two] = [aTenant(), aTenant()];
    for (let i = 0; i < 6; i += 1)
      await log.append(
        [one, two].map((tenant_id) =>
          aPlannedEvent({
            tenant_id,
            title: `number ${i}`,
            dedup_key: `k${i}`,
            occurred_at: '2026-01-01T00:00:00.000Z',
          }),
        ),
      );
    await log.append([
      aPlannedEvent({
        tenant_id: one,
        title: 'number 0',
        dedup_key: 'k0',
        status: 'resolved',
        occurred_at: '2026-01-01T00:00:01.000Z',
      }),
    ]);
    const queries = new PostgresAlertQueries(gateway, { walked: 100, lookedAt: 8, counted: 11 });
    const number = {
      ...FIRST,
      status: ['firing', 'resolved'] as const,
      severity: ['urgent'] as const,
      words: ['number'],
    };
    const { alerts, end, searched } = await queries.list([one, two], number);
    expect(alerts.map(({ title }) => title).sort()).toEqual([2, 2, 3, 3, 4, 4, 5, 5].map((i) => `number ${i}`));
    const { severity, first_seen_at, alert_id } = alerts.at(-1)!;
    expect(searched).toEqual({ reached: { severity, first_seen_at, alert_id }, complete: false });
    expect(end).toEqual(searched!.reached);
    const rest = await queries.list([one, two], { ...number, after: end });
    expect([rest.alerts.map(({ title }) => title).sort(), rest.searched]).toEqual([
      [0, 0, 1, 1].map((i) => `number ${i}`),
      { reached: null, complete: true },
    ]);
    expect((await queries.list([one], number)).searched).toEqual({ reached: null, complete: true });
    expect(await queries.facets([one, two], [one, two], ANY)).toMatchObject({
      status: { firing: 11 },
      complete: false,
    });
    expect((await queries.facets([one, two], [one, two], { ...ANY, words: ['number'] })).complete).toBe(false);
    const hour = { from: new Date(Date.now() - 5_400_000), buckets: 2, bucketSeconds: 3_600 };
    const few = await new PostgresAlertQueries(gateway, { countedEach: 3 }).tenantStats([one, two], hour);
    expect(few.at_most).toBe(3);
    expect(few.tenants.map(({ open, timeline }) => [open.urgent, timeline])).toEqual([
      [3, [null, null]],
      [3, [null, null]],
    ]);
    expect((await queries.facets([one], [one], ANY)).complete).toBe(true);
    expect((await queries.stats([one, two], HOUR)).complete).toBe(false);
    expect((await queries.stats([one], HOUR)).complete).toBe(true);
  });
});
