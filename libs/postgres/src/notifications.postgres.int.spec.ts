import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { ClaimedDelivery } from '@tocsin/contracts';
import {
  aNotification,
  aTenant,
  describeDeliveries,
  describeNotificationRetention,
  describeNotifications,
  describeRecipientBook,
  eventually,
  startAll,
} from '@tocsin/contracts/testing';
import type { Database } from './database';
import { PostgresDeliveries } from './deliveries.postgres';
import { PostgresDeliveryQueue } from './delivery-queue.postgres';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresLogRetention } from './log-retention.postgres';
import { PostgresNotifications } from './notifications.postgres';
import { PostgresRecipientBook } from './recipient-book.postgres';
import { asOwner, freshDatabase, playedQueue, type FreshDatabase } from './testing';

let fresh: FreshDatabase;
let processor: Database;
let gateway: Database;
let notifier: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  processor = fresh.open('tocsin_processor');
  gateway = fresh.open('tocsin_gateway');
  notifier = fresh.open('tocsin_notifier');
}, 60_000);
afterAll(async () => {
  await Promise.all([processor?.close(), gateway?.close(), notifier?.close()]);
  await fresh?.drop();
});

const open = () =>
  Promise.resolve({
    notifications: new PostgresNotifications(gateway),
    starting: new PostgresNotifications(notifier),
    deliveries: new PostgresDeliveries(gateway),
    log: new PostgresEventLog(processor),
    queue: playedQueue(() => ({ url: fresh.url })),
    book: new PostgresRecipientBook(gateway),
    // few at once, so that it takes several steps
    retention: new PostgresLogRetention(processor, 3, 2),
    close: () => Promise.resolve(),
  });

describeNotifications('PostgreSQL', { open });
describeDeliveries('PostgreSQL', { open });
describeRecipientBook('PostgreSQL', { open });
describeNotificationRetention('PostgreSQL', { open });

describe('a notification in the queue of deliveries', () => {
  const claimed = async () => {
    const queue = new PostgresDeliveryQueue(notifier);
    const { deliveries } = await queue.claim('email', { atMost: 1_000, leaseMs: 30_000, atMostOnce: false });
    return { queue, deliveries };
  };
  /** Starts a notification that nothing else waits beside. */
  const started = async (
    overrides?: Parameters<typeof aNotification>[1],
  ): Promise<{ tenant: ReturnType<typeof aTenant>; id: string }> => {
    await asOwner({ url: fresh.url }, 'delete from tocsin.delivery_due');
    const tenant = aTenant();
    const created = await new PostgresNotifications(gateway).create(aNotification(tenant, overrides));
    await startAll(new PostgresNotifications(notifier));
    return { tenant, id: created.outcome === 'conflict' ? '' : created.notification.notification_id };
  };

  it('is claimed with what it says', async () => {
    const { tenant, id } = await started();
    const { deliveries } = await claimed();
    expect(deliveries).toMatchObject([
      {
        tenant_id: tenant,
        channel: 'email',
        recipient: 'ana@example.com',
        attempt: 1,
        entry: null,
        notification: {
          notification_id: id,
          title: 'The order is on its way',
          message: 'It arrives on Friday.',
          severity: 'medium',
          digest_of: null,
        },
      },
    ]);
  });

  it('that is cancelled while an attempt is under way is not attempted again', async () => {
    const { tenant, id } = await started();
    const { queue, deliveries } = await claimed();
    const [{ delivery_id, attempt }] = deliveries as [(typeof deliveries)[0]];
    const notifications = new PostgresNotifications(gateway);
    expect(await notifications.cancel([tenant], id, 'ana')).toMatchObject({ status: 'cancelled' });
    const settled = await queue.settle([
      { tenant_id: tenant, delivery_id, attempt, outcome: 'retry', reason: 'timeout', answer: null, again_in_ms: 0 },
    ]);
    expect(settled).toEqual(['cancelled']);
    expect(await new PostgresDeliveries(gateway).find([tenant], delivery_id)).toMatchObject({
      status: 'cancelled',
      reason: 'by_request',
      attempts: [{ attempt: 1, outcome: 'retry', reason: 'timeout' }],
    });
  });

  it('is not ended while one of its deliveries is redriven, and no notifier waits for that', async () => {
    const { tenant, id } = await started();
    const { queue, deliveries } = await claimed();
    const [{ delivery_id, attempt }] = deliveries as [(typeof deliveries)[0]];
    await queue.settle([
      { tenant_id: tenant, delivery_id, attempt, outcome: 'failed', reason: 'rejected', answer: null },
    ]);
    const redriver = new Client({ connectionString: fresh.url });
    const impatient = fresh.open('tocsin_notifier', { lockTimeoutMs: 100 });
    try {
      await redriver.connect();
      await redriver.query('begin');
      await redriver.query(`select tocsin.redrive_deliveries(array[$1], array[$2]::uuid[], array['failed'])`, [
        tenant,
        delivery_id,
      ]);
      const finishing = new PostgresNotifications(impatient);
      for (let at = await finishing.finish(null); at;) at = await finishing.finish(at);
      await redriver.query('commit');
    } finally {
      await redriver.end();
      await impatient.close();
    }
    expect(await new PostgresNotifications(gateway).find([tenant], id)).toMatchObject({ status: 'started' });
  });

  it('is not locked by what ends notifications while one of its deliveries waits', async () => {
    const { tenant } = await started();
    const [notifications, starting] = [new PostgresNotifications(gateway), new PostgresNotifications(notifier)];
    for (let nth = 0; nth < 100; nth += 10)
      await Promise.all(Array.from({ length: 10 }, () => notifications.create(aNotification(tenant))));
    await startAll(starting);
    const rows = () =>
      asOwner<{ status: string; xmax: string }>(
        { url: fresh.url },
        `select notification_id, status, xmin::text, xmax::text from tocsin.notification where tenant_id = '${tenant}'
         order by notification_id`,
      );
    const before = await rows();
    expect(before).toHaveLength(101);
    for (let at = await starting.finish(null); at;) at = await starting.finish(at);
    expect(await rows()).toEqual(before);
    expect(new Set(before.map(({ status }) => status))).toEqual(new Set(['started']));
  });

  it('is started again when a lost worker is back and its delivery waits again, and can be cancelled then', async () => {
    const deliveries = [{ channel: 'sms', recipient: '+4915112345678' }] as const;
    const { tenant, id } = await started({ channels: ['sms'], deliveries });
    const [queue, another] = [new PostgresDeliveryQueue(notifier), new PostgresDeliveryQueue(notifier)];
    const claim = { atMost: 1_000, leaseMs: 1, atMostOnce: true };
    const [{ delivery_id, attempt }] = (await queue.claim('sms', claim)).deliveries as [ClaimedDelivery];
    const held = { tenant_id: tenant, delivery_id, attempt };
    expect(await queue.begin([held], 1)).toEqual([]);
    await eventually(async () => expect((await another.claim('sms', claim)).lost).toBe(1));
    const finishing = new PostgresNotifications(notifier);
    for (let at = await finishing.finish(null); at;) at = await finishing.finish(at);
    const notifications = new PostgresNotifications(gateway);
    expect(await notifications.find([tenant], id)).toMatchObject({ status: 'done' });
    expect(await queue.settle([{ ...held, outcome: 'released', again_in_ms: 60_000 }])).toEqual(['pending']);
    expect(await notifications.find([tenant], id)).toMatchObject({ status: 'started', ended_at: null });
    expect(await notifications.cancel([tenant], id, 'ana')).toMatchObject({ status: 'cancelled', ended_by: 'ana' });
    expect(await new PostgresDeliveries(gateway).find([tenant], delivery_id)).toMatchObject({ status: 'cancelled' });
  });

  it('is either claimed or cancelled when both happen at the same time, and a redrive is claimed again', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { tenant, id } = await started();
      const [{ queue, deliveries }] = await Promise.all([
        claimed(),
        new PostgresNotifications(gateway).cancel([tenant], id, 'ana'),
      ]);
      const [record] = await new PostgresDeliveries(gateway).ofNotification([tenant], id);
      expect([record!.status, deliveries.length]).toEqual(deliveries.length === 1 ? ['pending', 1] : ['cancelled', 0]);
      if (deliveries.length === 0) continue;
      const { delivery_id, attempt } = deliveries[0]!;
      await queue.settle([
        { tenant_id: tenant, delivery_id, attempt, outcome: 'failed', reason: 'rejected', answer: null },
      ]);
      expect(await new PostgresDeliveries(gateway).redrive([tenant], [delivery_id], ['failed'])).toEqual([delivery_id]);
      expect((await claimed()).deliveries).toMatchObject([{ delivery_id, attempt: 2 }]);
    }
  });
});

test('a notification whose deliveries cannot be stored is cancelled, and holds up no other of any tenant', async () => {
  const [notifications, starting] = [new PostgresNotifications(gateway), new PostgresNotifications(notifier)];
  const [poisoned, plain] = [aTenant('a'), aTenant('b')];
  const created = async (...said: Parameters<typeof aNotification>) => {
    const result = await notifications.create(aNotification(...said));
    if (result.outcome === 'conflict') throw new Error('conflict');
    return { tenant: said[0], id: result.notification.notification_id };
  };
  // longer than a row of the index, and not to be compressed
  const recipient = `user:${randomBytes(3_000).toString('base64url')}`;
  const poison = await created(poisoned, { channels: ['push'], deliveries: [{ channel: 'push', recipient }] });
  const others = [await created(poisoned), await created(plain)];
  const refused = [];
  for (let behind: string | null = ''; behind !== null;) {
    const step = await starting.start(behind);
    refused.push(...step.refused);
    behind = step.next;
  }
  expect(refused).toEqual([{ tenant_id: poisoned, notification_id: poison.id, reason: '54000' }]);
  expect(await notifications.find([poisoned], poison.id)).toMatchObject({
    status: 'cancelled',
    ended_by: 'store_failed',
    ended_at: expect.any(String) as string,
  });
  expect(await new PostgresDeliveries(gateway).ofNotification([poisoned], poison.id)).toEqual([]);
  for (const { tenant, id } of others) {
    expect(await notifications.find([tenant], id)).toMatchObject({ status: 'started' });
    expect(await new PostgresDeliveries(gateway).ofNotification([tenant], id)).toMatchObject([{ status: 'pending' }]);
  }
  expect((await starting.start('')).refused).toEqual([]);
});

test('a digest that starts tells nothing that was cancelled before its start, at the same time either', async () => {
  const own = await freshDatabase();
  const [asking, starting] = [own.open('tocsin_gateway'), own.open('tocsin_notifier')];
  const holder = new Client({ connectionString: own.url });
  try {
    const rows = <Row>(sql: string) => asOwner<Row>({ url: own.url }, sql);
    const notifications = new PostgresNotifications(asking);
    // a start takes the tenants in their order, so it comes to the digest last
    const [first, last] = [aTenant('a'), aTenant('b')];
    await notifications.create(aNotification(first));
    const digest = { key: 'k', every_seconds: 60, group: 'g' };
    const parts = [];
    for (const title of ['kept', 'taken back']) {
      const created = await notifications.create(aNotification(last, { title, digest }));
      if (created.outcome !== 'conflict') parts.push(created.notification);
    }
    await rows(`update tocsin.notification set due_at = now() - interval '1 second'`);
    // holds a statement that reads the first tenant and the last one: the start, before it has locked a row
    await rows(`
      create function public.held() returns boolean language plpgsql as $$ begin
        if current_setting('tocsin.tenants', true) = '{a,b}' then perform pg_advisory_xact_lock_shared(1); end if;
        return true;
      end $$;
      create policy held on tocsin.notification as restrictive using (public.held())`);
    await holder.connect();
    await holder.query('select pg_advisory_lock(1)');
    const started = startAll(new PostgresNotifications(starting));
    await eventually(async () =>
      expect(
        await rows(`select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`),
      ).toHaveLength(1),
    );
    expect(await notifications.cancel([last], parts[1]!.notification_id, 'ben')).toMatchObject({ status: 'cancelled' });
    await holder.query('select pg_advisory_unlock(1)');
    expect(await started).toBe(2);
    expect(await notifications.find([last], parts[0]!.digest_id!)).toMatchObject({
      status: 'started',
      digest_of: 1,
      title: 'kept',
      message: 'kept',
    });
  } finally {
    await holder.end();
    await Promise.all([asking.close(), starting.close()]);
    await own.drop();
  }
});
