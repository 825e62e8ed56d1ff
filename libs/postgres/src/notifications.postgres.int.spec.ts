import {
  aNotification,
  aTenant,
  describeDeliveries,
  describeNotificationRetention,
  describeNotifications,
  describeRecipientBook,
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
  const started = async (): Promise<{ tenant: ReturnType<typeof aTenant>; id: string }> => {
    await asOwner({ url: fresh.url }, 'delete from tocsin.delivery_due');
    const tenant = aTenant();
    const created = await new PostgresNotifications(gateway).create(aNotification(tenant));
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
