import type { Act, TenantId } from '@tocsin/contracts';
import type { AttemptedAct } from '@tocsin/contracts/ports';
import { aPlannedEvent, aTenant } from '@tocsin/contracts/testing';
import { PostgresAlertActs } from './alert-acts.postgres';
import { PostgresAlertQueries } from './alert-queries.postgres';
import type { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresLogRetention } from './log-retention.postgres';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('retention in PostgreSQL', () => {
  let fresh: FreshDatabase;
  let processor: Database;
  let gateway: Database;
  let log: PostgresEventLog;
  let reader: PostgresEventLog;
  beforeAll(async () => {
    fresh = await freshDatabase();
    [processor, gateway] = (['tocsin_processor', 'tocsin_gateway'] as const).map((role) => fresh.open(role)) as [
      Database,
      Database,
    ];
    log = new PostgresEventLog(processor);
    reader = new PostgresEventLog(gateway);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([processor?.close(), gateway?.close()]);
    await fresh?.drop();
  });
  const rows = (sql: string, ...values: unknown[]) => asOwner<Record<string, unknown>>({ url: fresh.url }, sql, values);
  const through = async (step: (behind?: string) => Promise<{ next: string | null; deleted?: number }>) => {
    const deleted: number[] = [];
    for (let behind: string | null | undefined; behind !== null;) {
      const { next, ...told } = await step(behind);
      deleted.push(told.deleted ?? 0);
      behind = next;
    }
    return deleted;
  };
  const grownOld = async (tenant_id: TenantId, upTo: number, days: number) => {
    const age = [tenant_id, upTo, `${days} days`];
    await rows(
      'update tocsin.event set received_at = received_at - $3::interval where tenant_id = $1 and seq <= $2',
      ...age,
    );
    await rows(
      'update tocsin.idempotency set stored_at = stored_at - $3::interval where tenant_id = $1 and seq <= $2',
      ...age,
    );
  };
  /** What each of some steps reads of an index, all on the connection `one`. */
  const costsOf = async (one: Database, read: string, steps: number, step: () => Promise<unknown>) => {
    const readSoFar = async () => {
      // the statistics of a session are written when its transaction ends
      await one.call('select pg_stat_force_next_flush()');
      return (await rows(read))[0]!.entries as number;
    };
    const costs: number[] = [];
    for (let before = await readSoFar(), at = 0; at < steps; at += 1) {
      await step();
      const after = await readSoFar();
      costs.push(after - before);
      before = after;
    }
    return costs;
  };
  /** The same beside an open snapshot: what is deleted stays in the index, even where it was passed before. */
  const costsDuringABackup = async (...measured: Parameters<typeof costsOf>) => {
    const holder = fresh.open('tocsin_gateway', { poolSize: 1 });
    const costs = await holder.as([aTenant()], async (manager) => {
      await manager.query('declare held cursor for select from tocsin.event');
      return costsOf(...measured);
    });
    await holder.close();
    return costs;
  };
  const numbers = async (tenant_id: TenantId) => (await reader.after(tenant_id, 0, 1_000)).map(({ seq }) => seq);
  const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

  it('commits the floor first, deletes what is below it in portions, and keeps the entry at it', async () => {
    const tenants = [aTenant(), aTenant(), aTenant()];
    for (const tenant_id of tenants) await log.append(Array.from({ length: 50 }, () => aPlannedEvent({ tenant_id })));
    const [old, allOld, young] = tenants as [TenantId, TenantId, TenantId];
    await grownOld(old, 30, 91);
    await grownOld(allOld, 50, 91);
    const retention = new PostgresLogRetention(processor, 20, 2);
    const floors = async () => (await reader.heads(tenants)).map(({ floor_seq }) => floor_seq);

    await through((behind) => retention.deleteReleased(behind));
    expect(await floors()).toEqual([0, 0, 0]);
    await through((behind) => retention.release(90 * DAY_MS, behind));
    expect(await floors()).toEqual([30, 50, 0]);
    for (const tenant_id of tenants) expect(await numbers(tenant_id)).toEqual(from(1, 50));

    const portions = await through((behind) => retention.deleteReleased(behind));
    expect(Math.max(...portions)).toBe(20);
    expect(portions.reduce((sum, portion) => sum + portion)).toBe(29 + 49);
    expect(await numbers(old)).toEqual(from(30, 50));
    expect(await numbers(allOld)).toEqual([50]);
    expect(await numbers(young)).toEqual(from(1, 50));

    // numbers continue, and a cursor at the floor still belongs to this history
    const [stored] = await log.append([aPlannedEvent({ tenant_id: allOld })]);
    expect(stored).toMatchObject({
      outcome: 'stored',
      event: { seq: 51, prev_fp: (await reader.after(allOld, 49, 1))[0]!.fp },
    });
  });

  it('deletes the last of many entries as fast as the first, however long ago vacuum came', async () => {
    const [tenant_id, portion, entries] = [aTenant(), 100, 1_500];
    await log.append(Array.from({ length: entries }, () => aPlannedEvent({ tenant_id })));
    await grownOld(tenant_id, entries, 91);
    const one = fresh.open('tocsin_processor', { poolSize: 1 });
    const retention = new PostgresLogRetention(one, portion);
    await through((behind) => retention.release(90 * DAY_MS, behind));
    const read = `select pg_stat_get_tuples_returned('tocsin.event_pkey'::regclass)::int as entries`;
    const costs = await costsDuringABackup(one, read, 14, async () =>
      expect((await retention.deleteReleased()).deleted).toBe(portion),
    );
    await one.close();
    expect(await numbers(tenant_id)).toEqual(from(1_401, 1_500));
    expect(Math.max(...costs)).toBeLessThan(portion * 3);
  });

  it('forgets the last of many ids as fast as the first, however long ago vacuum came', async () => {
    const [tenant_id, portion, ids] = [aTenant(), 100, 1_500];
    const planned = Array.from({ length: ids }, () => aPlannedEvent({ tenant_id }));
    await log.append(planned);
    await rows(
      `update tocsin.idempotency set stored_at = now() - interval '400 days' + seq * interval '1 s'
       where tenant_id = $1`,
      tenant_id,
    );
    await rows('vacuum analyze tocsin.idempotency');
    const one = fresh.open('tocsin_processor', { poolSize: 1 });
    const retention = new PostgresLogRetention(one, portion);
    const read = `select sum(pg_stat_get_tuples_returned(relid))::int as entries from (
      select relid from pg_partition_tree('tocsin.idempotency_age')
      union all select relid from pg_partition_tree('tocsin.idempotency')) read`;
    const costs = await costsDuringABackup(one, read, 14, async () =>
      expect(await retention.forgetIds(300 * DAY_MS)).toBe(portion),
    );
    // each id is read when it is found and when it is deleted
    expect(Math.max(...costs)).toBeLessThan(portion * 4);
    expect(await retention.forgetIds(300 * DAY_MS)).toBe(portion);
    expect(await retention.forgetIds(300 * DAY_MS)).toBe(0);
    await one.close();
  });

  it('forgets ids that are older than those it has forgotten, after the clock was wrong or ids were kept longer', async () => {
    const tenant_id = aTenant();
    const planned = Array.from({ length: 2 }, () => aPlannedEvent({ tenant_id }));
    await log.append(planned);
    const age = (seq: number, days: number) =>
      rows(
        `update tocsin.idempotency set stored_at = now() - $3 * interval '1 day' where tenant_id = $1 and seq = $2`,
        ...[tenant_id, seq, days],
      );
    const retention = new PostgresLogRetention(processor);
    await age(1, 150);
    while ((await retention.forgetIds(140 * DAY_MS)) > 0);
    await age(2, 170);
    expect(await retention.forgetIds(160 * DAY_MS)).toBe(1);
    expect((await log.append(planned)).map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
  });

  it('deletes nothing that is younger than a day, with any setting', async () => {
    const tenant_id = aTenant();
    const planned = Array.from({ length: 10 }, () => aPlannedEvent({ tenant_id }));
    await log.append(planned);
    await grownOld(tenant_id, 10, 0.95);
    await grownOld(tenant_id, 4, 0.1);
    const retention = new PostgresLogRetention(processor);
    await through((behind) => retention.release(0, behind));
    await through((behind) => retention.deleteReleased(behind));
    while ((await retention.forgetIds(0)) > 0);
    expect(await numbers(tenant_id)).toEqual(from(4, 10));
    const again = await log.append([planned[3]!, planned[4]!]);
    expect(again.map(({ outcome }) => outcome)).toEqual(['stored', 'duplicate']);
  });

  it('deletes an alert with the entry that describes it, and planned deliveries with their entry', async () => {
    const tenant_id = aTenant();
    const deliveries = [{ channel: 'email', recipient: 'default' }] as const;
    await log.append([
      aPlannedEvent({ tenant_id }, { deliveries }),
      aPlannedEvent({ tenant_id, dedup_key: 'open' }, { deliveries }),
      aPlannedEvent({ tenant_id, dedup_key: 'over' }),
    ]);
    await log.append([
      aPlannedEvent({ tenant_id, dedup_key: 'open', occurred_at: '2026-02-01T00:00:00.000Z' }),
      aPlannedEvent({ tenant_id }, { deliveries }),
    ]);
    await grownOld(tenant_id, 4, 91);
    const retention = new PostgresLogRetention(processor);
    await through((behind) => retention.release(90 * DAY_MS, behind));
    await through((behind) => retention.deleteReleased(behind));
    expect(
      await rows('select dedup_key, last_seq::int from tocsin.alert where tenant_id = $1 order by last_seq', tenant_id),
    ).toEqual([
      { dedup_key: 'open', last_seq: 4 },
      { dedup_key: null, last_seq: 5 },
    ]);
    expect(await rows('select seq::int from tocsin.delivery where tenant_id = $1', tenant_id)).toEqual([{ seq: 5 }]);
  });

  describe('an open alert that a user has acknowledged, snoozed or assigned', () => {
    const HELD = ['acknowledged', 'snoozed', 'assigned'] as const;
    const of = (tenant_id: TenantId, dedup_key?: string) =>
      aPlannedEvent({ tenant_id, dedup_key, snapshot: dedup_key !== undefined, labels: { oven: '2' } });
    const release = async () => {
      const retention = new PostgresLogRetention(processor);
      await through((behind) => retention.release(90 * DAY_MS, behind));
      await through((behind) => retention.deleteReleased(behind));
    };
    const keys = async (tenant_id: TenantId) =>
      (
        await rows(
          'select dedup_key from tocsin.alert where tenant_id = $1 and dedup_key is not null order by 1',
          tenant_id,
        )
      ).map(({ dedup_key }) => dedup_key);
    /** Alerts whose entries are deleted, the last one's but for its entry at the floor. */
    const held = async () => {
      const tenant_id = aTenant();
      const stored = await log.append([...HELD, 'firing', 'over'].map((key) => of(tenant_id, key)));
      const ids = stored.map((one) => (one.outcome === 'stored' ? one.event.entry.alert_id : ''));
      const reach = { tenants: [tenant_id], acting: [tenant_id] };
      const act = async (key: (typeof HELD)[number], act: Act, more: Partial<AttemptedAct> = {}) => {
        const attempted = { act, by: 'ana', until: null, assignee: null, note: null, trace_id: null, ...more };
        return (await new PostgresAlertActs(gateway).act(reach, [ids[HELD.indexOf(key)]!], attempted))[0]!;
      };
      await act('acknowledged', 'acknowledge');
      await act('snoozed', 'snooze', { until: new Date(Date.now() + HOUR_MS).toISOString() });
      await act('assigned', 'assign', { assignee: 'ben' });
      await log.append([of(tenant_id), of(tenant_id)]);
      await grownOld(tenant_id, 9, 91);
      await release();
      expect(await numbers(tenant_id)).toEqual([9, 10]);
      return { tenant_id, act, ids };
    };

    it('stays when its entries are deleted, and is no alert anew when the same is reported again', async () => {
      const { tenant_id, act, ids } = await held();
      expect(await keys(tenant_id)).toEqual(['acknowledged', 'assigned', 'snoozed']);
      const [again] = await log.append([of(tenant_id, 'acknowledged')]);
      expect(again).toEqual({ outcome: 'duplicate', tenant_id, position: null });
      expect(await act('acknowledged', 'acknowledge')).toMatchObject({ outcome: 'unchanged' });
      expect(await act('acknowledged', 'acknowledge', { by: 'ben' })).toMatchObject({
        outcome: 'conflict',
        alert: { status: 'acknowledged', actor: 'ana', labels: { oven: '2' }, actions: [], metadata: {} },
      });
      const queries = new PostgresAlertQueries(gateway);
      expect(await queries.find([tenant_id], [ids[0]!])).toMatchObject([{ dedup_key: 'acknowledged' }]);
      expect((await queries.history(tenant_id, ids[0]!, { before: null, limit: 10 })).entries).toEqual([]);
    });

    it('has its snooze ended, and goes with the entry that ended what kept it', async () => {
      const { tenant_id, act } = await held();
      await rows(
        'update tocsin.alert set snoozed_until = now() where tenant_id = $1 and status = $2',
        ...[tenant_id, 'snoozed'],
      );
      const woken = await new PostgresAlertActs(processor).wakeSnoozed();
      expect(woken.filter((event) => event.tenant_id === tenant_id)).toMatchObject([
        {
          seq: 11,
          entry: {
            change: 'unsnoozed',
            status: 'firing',
            previous: { status: 'snoozed' },
            dedup_key: 'snoozed',
            labels: { oven: '2' },
            actions: [],
            metadata: {},
            folded: 0,
          },
        },
      ]);
      expect(await act('acknowledged', 'unacknowledge')).toMatchObject({
        outcome: 'acted',
        event: { seq: 12, entry: { change: 'unacknowledged', previous: { status: 'acknowledged' } } },
      });
      const [resolved] = await log.append([
        aPlannedEvent({ tenant_id, dedup_key: 'assigned', status: 'resolved', snapshot: true }),
      ]);
      expect(resolved).toMatchObject({ outcome: 'stored', event: { seq: 13, entry: { change: 'resolved' } } });
      await log.append([of(tenant_id), of(tenant_id)]);
      await grownOld(tenant_id, 14, 91);
      await release();
      expect(await numbers(tenant_id)).toEqual([14, 15]);
      expect(await keys(tenant_id)).toEqual([]);
    });
  });

  it('deletes attempts and what is due with the entry, and those of a notification by their own time', async () => {
    const tenant_id = aTenant();
    const deliveries = [{ channel: 'email', recipient: 'ana@example.com' }] as const;
    for (let entry = 0; entry < 3; entry += 1) await log.append([aPlannedEvent({ tenant_id }, { deliveries })]);
    const settledAgo = [null, '1 day', '91 days', '92 days'];
    for (const ago of settledAgo)
      await rows(
        `with asked as (
           insert into tocsin.notification (tenant_id, title, severity, status, channels, recipients, to_channels, to_recipients, due_at, created_at, created_by)
           values ($1, '', 'low', 'started', '{email}', '{}', '{email}', '{ana@example.com}', now(), now() - interval '92 days', 'orders')
           returning notification_id
         )
         insert into tocsin.delivery (tenant_id, notification_id, channel, recipient, due_at, created_at, settled_at)
         select $1, notification_id, 'email', 'ana@example.com', now(), now() - interval '92 days', now() - $2::interval from asked`,
        tenant_id,
        ago,
      );
    await rows(
      `insert into tocsin.delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome)
       select tenant_id, delivery_id, 1, now(), now(), 'retry' from tocsin.delivery where tenant_id = $1`,
      tenant_id,
    );
    await grownOld(tenant_id, 2, 91);
    const retention = new PostgresLogRetention(processor, 1);
    await through((behind) => retention.release(90 * DAY_MS, behind));
    await through((behind) => retention.deleteReleased(behind));
    const settled = await through((behind) => retention.deleteSettled(90 * DAY_MS, behind));
    expect(settled.reduce((sum, some) => sum + some)).toBe(2);
    const [left] = await rows(
      `select (select array_agg(seq::int order by seq) from tocsin.delivery where tenant_id = $1 and seq is not null) as told,
              (select count(*)::int from tocsin.delivery where tenant_id = $1 and notification_id is not null) as notified,
              (select count(*)::int from tocsin.delivery_attempt where tenant_id = $1) as attempts,
              (select count(*)::int from tocsin.delivery_due where tenant_id = $1) as due`,
      tenant_id,
    );
    // the entry at the floor stays
    expect(left).toEqual({ told: [2, 3], notified: 2, attempts: 4, due: 2 });
  });

  it('reads little more of notifications than it deletes, however many have not ended or ended lately', async () => {
    const [tenant_id, portion, old] = [aTenant(), 100, 500];
    /** Notifications, and unless they wait a delivery each. */
    const told = (many: number, status: string, createdAgo: string, endedAgo: string | null) =>
      rows(
        `with asked as (
           insert into tocsin.notification (tenant_id, title, severity, status, channels, recipients, to_channels,
             to_recipients, due_at, created_at, created_by, ended_at)
           select $1, '', 'low', $2, '{email}', '{}', '{email}', '{ana@example.com}', now(), now() - $3::interval,
             'orders', now() - $4::interval
           from generate_series(1, $5) returning notification_id
         ), sent as (
           insert into tocsin.delivery (tenant_id, notification_id, channel, recipient, due_at, created_at, settled_at)
           select $1, notification_id, 'email', 'ana@example.com', now(), now() - $4::interval, now() - $4::interval
           from asked where $4 is not null returning delivery_id
         )
         insert into tocsin.delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome)
         select $1, delivery_id, 1, now(), now(), 'sent' from sent`,
        ...[tenant_id, status, createdAgo, endedAgo, many],
      );
    await told(2_000, 'done', '2 days', '1 day');
    await told(2_000, 'done', '400 days', '1 day');
    await told(1_000, 'scheduled', '400 days', null);
    await told(old, 'done', '92 days', '91 days');
    await rows('vacuum analyze tocsin.notification, tocsin.delivery, tocsin.delivery_attempt');
    const read = `select sum(pg_stat_get_tuples_returned(c.oid))::int as entries
      from pg_class c left join pg_index i on i.indexrelid = c.oid
      where coalesce(i.indrelid, c.oid) = any (array['tocsin.notification', 'tocsin.delivery',
        'tocsin.delivery_attempt']::regclass[])`;
    const one = fresh.open('tocsin_processor', { poolSize: 1 });
    const retention = new PostgresLogRetention(one, portion);
    // the deliveries first. PostgreSQL plans anew for the first five steps, and from then on once for all
    const costs = await costsOf(one, read, (2 * old) / portion, async () =>
      expect((await retention.deleteSettled(90 * DAY_MS)).deleted).toBe(portion),
    );
    // each row that is deleted is read in several indexes, and what was deleted before once more
    expect(Math.max(...costs)).toBeLessThan(portion * 20);
    expect(await retention.deleteSettled(90 * DAY_MS)).toEqual({ next: null, deleted: 0 });
    await one.close();
  });

  it('keeps ids for their own time, whether their entries are kept longer or shorter', async () => {
    const [gone, kept] = [aTenant(), aTenant()];
    const planned = [gone, kept].map((tenant_id) => Array.from({ length: 3 }, () => aPlannedEvent({ tenant_id })));
    for (const batch of planned) await log.append(batch);
    await rows(`update tocsin.event set received_at = received_at - interval '91 days' where tenant_id = $1`, gone);
    await rows(`update tocsin.idempotency set stored_at = stored_at - interval '8 days' where tenant_id = $1`, kept);
    const retention = new PostgresLogRetention(processor, 2);
    await through((behind) => retention.release(90 * DAY_MS, behind));
    await through((behind) => retention.deleteReleased(behind));
    while ((await retention.forgetIds(7 * DAY_MS)) > 0);
    expect((await log.append(planned[0]!)).map(({ outcome }) => outcome)).toEqual([
      'duplicate',
      'duplicate',
      'duplicate',
    ]);
    expect((await log.append(planned[1]!)).map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored']);
    expect(await numbers(gone)).toEqual([3]);
  });

  it('is done by one process at a time, and blocks no process that stores', async () => {
    const tenant_id = aTenant();
    await log.append(Array.from({ length: 5 }, () => aPlannedEvent({ tenant_id })));
    await grownOld(tenant_id, 4, 91);
    const retention = new PostgresLogRetention(processor);
    await processor.as([], async (manager) => {
      await manager.query('select pg_advisory_xact_lock(8662747)');
      expect(await retention.release(90 * DAY_MS)).toEqual({ next: null });
      expect(await retention.deleteReleased()).toEqual({ next: null, deleted: 0 });
      expect(await retention.forgetIds(DAY_MS)).toBe(0);
      expect((await log.append([aPlannedEvent({ tenant_id })]))[0]!.outcome).toBe('stored');
    });
    expect((await reader.heads([tenant_id]))[0]!.floor_seq).toBe(0);
    await through((behind) => retention.release(90 * DAY_MS, behind));
    expect((await reader.heads([tenant_id]))[0]!.floor_seq).toBe(4);
  });
});
