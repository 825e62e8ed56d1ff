import { describeDeliveries, describeNotifications, describeRecipientBook } from '@tocsin/contracts/testing';
import { Database } from './database';
import { PostgresDeliveries } from './deliveries.postgres';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresNotifications } from './notifications.postgres';
import { PostgresRecipientBook } from './recipient-book.postgres';
import { freshDatabase, playedQueue, type FreshDatabase } from './testing';

let fresh: FreshDatabase;
let processor: Database;
let gateway: Database;
let notifier: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  const connection = { url: fresh.url };
  processor = new Database({ connection, role: 'tocsin_processor' });
  gateway = new Database({ connection, role: 'tocsin_gateway' });
  notifier = new Database({ connection, role: 'tocsin_notifier' });
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
    close: () => Promise.resolve(),
  });

describeNotifications('PostgreSQL', { open });
describeDeliveries('PostgreSQL', { open });
describeRecipientBook('PostgreSQL', { open });
