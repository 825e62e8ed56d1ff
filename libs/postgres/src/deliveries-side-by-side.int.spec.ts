import { Client } from 'pg';
import { aPlannedEvent, aTenant, eventually } from '@tocsin/contracts/testing';
import type { Act } from '@tocsin/contracts/wire';
import { asOwner, freshDatabase, openDeliveryQueue, type FreshDatabase } from './testing';

const TENANTS = Array.from({ length: 6 }, (_, at) => aTenant(`tenant-${at}`));
const KEYS = ['a', 'b', 'c'];
const CHANNELS = ['email', 'webhook'] as const;
const ROUNDS = 60;
const CLAIM = { atMost: 20, leaseMs: 40, atMostOnce: false };

const any = <T>(some: readonly T[]): T => some[Math.floor(Math.random() * some.length)]!;
const shuffled = <T>(some: readonly T[]): T[] => some.toSorted(() => Math.random() - 0.5);

describe('ingest, acts, claims and settlements side by side', () => {
  let fresh: FreshDatabase;
  let opened: ReturnType<typeof openDeliveryQueue>;
  beforeAll(async () => {
    fresh = await freshDatabase();
    opened = openDeliveryQueue(
      { url: fresh.url },
      { notifier: 'tocsin_notifier', processor: 'tocsin_processor', gateway: 'tocsin_gateway' },
    );
  }, 60_000);
  afterAll(async () => {
    await opened?.close();
    await fresh?.drop();
  });
  const rows = <Row = Record<string, unknown>>(sql: string) => asOwner<Row>({ url: fresh.url }, sql);

  it('a settlement locks its deliveries in the order of all others, whatever became of each', async () => {
    const tenant = aTenant();
    const deliveries = [1, 2].map((at) => ({ channel: 'email' as const, recipient: `${at}@example.org` }));
    await opened.log.append([aPlannedEvent({ tenant_id: tenant }, { deliveries })]);
    const claimed = (await opened.queue.claim('email', { ...CLAIM, leaseMs: 60_000 })).deliveries;
    const [first, last] = claimed.toSorted((a, b) => (a.delivery_id < b.delivery_id ? -1 : 1));
    const ids = ({ tenant_id, delivery_id, attempt }: (typeof claimed)[number]) => ({
      tenant_id,
      delivery_id,
      attempt,
    });
    const other = new Client({ connectionString: fresh.url });
    await other.connect();
    const waiting = (count: number) =>
      eventually(async () =>
        expect(
          await rows(
            `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and state = 'active'`,
          ),
        ).toHaveLength(count),
      );
    try {
      await other.query('begin');
      await other.query(`select set_config('tocsin.tenants', array[$1]::text, true)`, [tenant]);
      await other.query('select 1 from tocsin.delivery_due where delivery_id = $1 for update', [first!.delivery_id]);
      const extended = opened.queue.extend(claimed, 60_000);
      await waiting(1);
      // the last one is over, and the first one is not
      const settled = opened.queue.settle([
        { ...ids(last!), outcome: 'sent', answer: null, provider_id: null },
        { ...ids(first!), outcome: 'retry', reason: 'timeout', answer: null, again_in_ms: 60_000 },
      ]);
      await waiting(2);
      await other.query('rollback');
      await Promise.all([extended, settled]);
    } finally {
      await other.end();
    }
    const [{ deadlocks }] = (await rows(
      `select deadlocks::int from pg_stat_database where datname = current_database()`,
    )) as [{ deadlocks: number }];
    expect(deadlocks).toBe(0);
  }, 60_000);

  it('meet in no deadlock, and leave each delivery either settled or in the queue', async () => {
    let minute = 0;
    const alerts: { tenant: (typeof TENANTS)[number]; id: string }[] = [];
    const repeat = (work: () => Promise<void>) => async () => {
      for (let round = 0; round < ROUNDS; round += 1) await work();
    };
    const ingest = repeat(async () => {
      const batch = shuffled(TENANTS.flatMap((tenant_id) => KEYS.map((dedup_key) => ({ tenant_id, dedup_key }))));
      const results = await opened.log.append(
        batch.map((one) => {
          const status = any(['firing', 'firing', 'resolved'] as const);
          const occurred_at = new Date(Date.UTC(2026, 0, 1) + (minute += 1) * 60_000).toISOString();
          const deliveries = CHANNELS.map((channel) => ({ channel, recipient: `https://x.org/${minute}` }));
          return aPlannedEvent({ ...one, status, occurred_at }, { deliveries: status === 'firing' ? deliveries : [] });
        }),
      );
      for (const result of results)
        if (result.outcome === 'stored' && alerts.length < 100)
          alerts.push({ tenant: result.event.entry.tenant_id as never, id: result.event.entry.alert_id });
    });
    const act = repeat(async () => {
      const chosen = shuffled(alerts).slice(0, 10);
      const attempted = any<Act>(['acknowledge', 'unacknowledge', 'resolve', 'reopen', 'snooze']);
      const until = attempted === 'snooze' ? new Date(Date.now() + 3_600_000).toISOString() : null;
      const told = { act: attempted, by: 'ana', until, assignee: null, note: null, trace_id: null };
      await opened.acts.act(
        { tenants: TENANTS, acting: TENANTS },
        chosen.map(({ id }) => id),
        told,
      );
      await opened.endSnoozes(any(TENANTS));
      await opened.waking.wakeSnoozed();
    });
    const work = (queue = opened.queue) =>
      repeat(async () => {
        const { deliveries } = await queue.claim(any(CHANNELS), CLAIM);
        const held = shuffled(deliveries);
        await queue.extend(held.slice(0, 5), CLAIM.leaseMs);
        // some are forgotten, so that leases end
        await queue.settle(
          held.slice(2).map(({ tenant_id, delivery_id, attempt }, at) => {
            const ids = { tenant_id, delivery_id, attempt };
            if (at % 3 === 0) return { ...ids, outcome: 'retry', reason: 'timeout', answer: null, again_in_ms: 5 };
            if (at % 3 === 1) return { ...ids, outcome: 'released', again_in_ms: 0 };
            return { ...ids, outcome: 'sent', answer: null, provider_id: null };
          }),
        );
      });
    await Promise.all([ingest(), ingest(), act(), act(), work()(), work()(), work(opened.other)()]);

    // a session reports its deadlocks when it ends
    await opened.close();
    const [counted] = await rows(
      `select (select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks,
              count(*) filter (where d.status = 'pending' and u.delivery_id is null)::int as forgotten,
              count(*) filter (where d.status <> 'pending' and u.delivery_id is not null)::int as left_over,
              count(*) filter (where (d.status = 'pending') <> (d.settled_at is null))::int as half_settled
       from tocsin.delivery d left join tocsin.delivery_due u using (tenant_id, delivery_id)`,
    );
    expect(counted).toEqual({ deadlocks: 0, forgotten: 0, left_over: 0, half_settled: 0 });
    const statuses = await rows<{ status: string }>('select distinct status from tocsin.delivery');
    expect(statuses.map(({ status }) => status)).toEqual(expect.arrayContaining(['sent', 'cancelled']));
  }, 120_000);
});
