import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeAccessChanges,
  describeAlertActs,
  describeAlertIntake,
  describeAlertQueries,
  describeDeadLetters,
  describeDeliveryQueue,
  describeDeliveries,
  describeEventLog,
  describeNotificationRetention,
  describeNotifications,
  describePhoneDeliveries,
  describeProcessDirectory,
  describePushSubscriptions,
  describeQueueDepths,
  describeReceipts,
  describeRecipientBook,
  describeSeenPositions,
  describeTicketStore,
  describeUnsubscribes,
  describeWebhookEndpoints,
  FOLDS,
} from '@tocsin/contracts/testing';
import { describeAlertSource, describeNewestWord } from '@tocsin/messages/testing';
import { type EmbeddedDatabase, openPglite } from '@tocsin/embedded';
import {
  Database,
  Inbox,
  InboxIntake,
  InboxRawIntake,
  InboxSource,
  migrate,
  PostgresAccessChanges,
  PostgresAlertActs,
  PostgresAlertQueries,
  PostgresDeadLetters,
  PostgresDeliveries,
  PostgresDeliveryQueue,
  PostgresEventLog,
  PostgresLogRetention,
  PostgresNotifications,
  PostgresPhoneDeliveries,
  PostgresProcessDirectory,
  PostgresPushSubscriptions,
  PostgresQueueDepths,
  PostgresReceipts,
  PostgresRecipientBook,
  PostgresSeenPositions,
  PostgresTicketStore,
  PostgresUnsubscribes,
  PostgresWebhookEndpoints,
} from '@tocsin/postgres';
import { asOwner, describeIsolation, openDeliveryQueue, playedMembers, playedQueue } from '@tocsin/postgres/testing';

// The adapters of PostgreSQL on the embedded database: the same promises, the same isolation.

let directory: string;
let embedded: EmbeddedDatabase;
const connection = { stream: () => embedded.stream() };

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tocsin-embedded-'));
  embedded = await openPglite(join(directory, 'db'));
  await migrate({ connection });
}, 120_000);
afterAll(async () => {
  await embedded?.close();
  rmSync(directory, { recursive: true, force: true });
});

const open = () => new Database({ connection, role: 'tocsin_standalone' });

describeEventLog('The embedded database', {
  open() {
    const database = open();
    const log = new PostgresEventLog(database);
    return Promise.resolve({
      log,
      folding: new PostgresEventLog(database, FOLDS),
      reader: log,
      close: () => database.close(),
    });
  },
});

/**
 * The one session of the embedded database is the app's while its connection is open: the played notifier takes its
 * turn by closing that.
 */
const deliveryParts = () => {
  const database = open();
  return Promise.resolve({
    notifications: new PostgresNotifications(database),
    starting: new PostgresNotifications(database),
    deliveries: new PostgresDeliveries(database),
    log: new PostgresEventLog(database),
    queue: playedQueue(() => connection),
    book: new PostgresRecipientBook(database),
    // few at once, so that it takes several steps
    retention: new PostgresLogRetention(database, 3, 2),
    close: () => database.close(),
  });
};
describeNotifications('The embedded database', { open: deliveryParts });
describeDeliveries('The embedded database', { open: deliveryParts });
describeRecipientBook('The embedded database', { open: deliveryParts });
describeNotificationRetention('The embedded database', { open: deliveryParts });

describeNewestWord('The embedded database', {
  open() {
    const database = open();
    const log = new PostgresEventLog(database);
    const folding = new PostgresEventLog(database, { after: 1, windowMs: 300 });
    return Promise.resolve({
      log,
      folding,
      reader: log,
      queries: new PostgresAlertQueries(database),
      runs: 10,
      close: () => database.close(),
    });
  },
});

describeAlertActs('The embedded database', {
  open() {
    const database = open();
    const log = new PostgresEventLog(database);
    const acts = new PostgresAlertActs(database);
    return Promise.resolve({ acts, waking: acts, log, reader: log, close: () => database.close() });
  },
});

describeDeliveryQueue('The embedded database', {
  open() {
    const role = 'tocsin_standalone';
    return Promise.resolve(openDeliveryQueue(connection, { notifier: role, processor: role, gateway: role }));
  },
});

describeSeenPositions('The embedded database', {
  open() {
    const database = open();
    return Promise.resolve({
      seen: new PostgresSeenPositions(database),
      log: new PostgresEventLog(database),
      close: () => database.close(),
    });
  },
});

describePhoneDeliveries('The embedded database', {
  open() {
    const database = open();
    return Promise.resolve({
      phones: new PostgresPhoneDeliveries(database),
      log: new PostgresEventLog(database),
      deliveries: new PostgresDeliveries(database),
      queue: new PostgresDeliveryQueue(database),
      sql: (text: string) => asOwner(connection, text),
      close: () => database.close(),
    });
  },
});

describePushSubscriptions('The embedded database', {
  open() {
    const database = open();
    const subscriptions = new PostgresPushSubscriptions(database);
    return Promise.resolve({
      subscriptions,
      targets: subscriptions,
      changes: new PostgresAccessChanges(database),
      ...playedMembers(() => connection),
      close: () => database.close(),
    });
  },
});

describeReceipts('the embedded database', {
  open() {
    const database = open();
    return Promise.resolve({
      log: new PostgresEventLog(database),
      receipts: new PostgresReceipts(database),
      close: () => database.close(),
    });
  },
});

describeTicketStore('The embedded database', {
  open() {
    const database = open();
    return Promise.resolve({ tickets: new PostgresTicketStore(database), close: () => database.close() });
  },
});

describeUnsubscribes('The embedded database', {
  open() {
    const database = open();
    return Promise.resolve({ unsubscribes: new PostgresUnsubscribes(database), close: () => database.close() });
  },
});

describeAccessChanges('The embedded database', {
  open() {
    const database = open();
    return Promise.resolve({ accessChanges: new PostgresAccessChanges(database), close: () => database.close() });
  },
});

describeDeadLetters('The embedded database', {
  async open() {
    await asOwner(connection, 'delete from tocsin.dead_letter');
    const database = open();
    return {
      deadLetters: new PostgresDeadLetters(database),
      log: new PostgresEventLog(database),
      close: () => database.close(),
    };
  },
});

describeAlertQueries('The embedded database', {
  open() {
    const database = open();
    return Promise.resolve({
      log: new PostgresEventLog(database),
      queries: new PostgresAlertQueries(database),
      assign: async (tenant, alertId, user) =>
        void (await asOwner(
          connection,
          'update tocsin.alert set assignee = $3 where tenant_id = $1 and alert_id = $2',
          [tenant, alertId, user],
        )),
      close: () => database.close(),
    });
  },
});

const openInbox = async (maxWaiting?: number) => {
  const database = open();
  const inbox = new Inbox(database, undefined, maxWaiting);
  const sources: InboxSource[] = [];
  return {
    depths: new PostgresQueueDepths(database),
    intake: new InboxIntake(inbox),
    raw: new InboxRawIntake(inbox),
    async drain() {
      const taken = await inbox.take(100);
      await inbox.settle(taken.map(({ inbox_id }) => inbox_id));
      return taken.map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id);
    },
    source() {
      const source = new InboxSource(inbox);
      sources.push(source);
      return Promise.resolve(source);
    },
    async close() {
      await Promise.all(sources.map((source) => source.stop()));
      await database.close();
      await asOwner(connection, 'delete from tocsin.inbox');
    },
  };
};
describeAlertSource('The inbox in the embedded database', { open: () => openInbox() });
describeAlertIntake('The inbox in the embedded database', {
  open: openInbox,
  async away() {
    const database = open();
    await database.close();
    const inbox = new Inbox(database);
    return { intake: new InboxIntake(inbox), raw: new InboxRawIntake(inbox), close: () => Promise.resolve() };
  },
});
describeQueueDepths('The inbox in the embedded database', {
  open: () => openInbox(),
  includesInHand: true,
  knowsAge: true,
  isBounded: true,
});

describeProcessDirectory('The embedded database', {
  open() {
    const database = open();
    return Promise.resolve({
      directory: new PostgresProcessDirectory(database),
      age: async (instance, hours) =>
        void (await asOwner(
          connection,
          `update tocsin.running_process set heard_at = now() - $2 * interval '1 hour' where instance = $1`,
          [instance, hours],
        )),
      close: async () => {
        await database.close();
        await asOwner(connection, 'delete from tocsin.running_process');
      },
    });
  },
});

it('the inbox takes a message back as it was, an urgent one before those that wait', async () => {
  const database = open();
  const inbox = new Inbox(database);
  const raw = new InboxRawIntake(inbox);
  const said = { message_id: 'm', timestamp: 1_767_322_800 };
  expect(await raw.republish([])).toEqual([]);
  expect(
    await raw.republish([
      { ...said, body: Buffer.from([0xff, 0]), routing_key: 'any' },
      { ...said, body: Buffer.from('{}'), routing_key: 'alert.urgent.shop' },
    ]),
  ).toEqual([
    { id: 'm', outcome: 'confirmed' },
    { id: 'm', outcome: 'confirmed' },
  ]);
  const taken = await inbox.take(500);
  expect(taken.map(({ routing_key, body }) => [routing_key, body])).toEqual([
    ['alert.urgent.shop', Buffer.from('{}')],
    ['any', Buffer.from([0xff, 0])],
  ]);
  await inbox.settle(taken.map(({ inbox_id }) => inbox_id));
  await database.close();
});

describeIsolation('The embedded database', {
  open: () => Promise.resolve({ connection, close: () => Promise.resolve() }),
});

describeWebhookEndpoints('The embedded database', {
  open() {
    const database = open();
    const endpoints = new PostgresWebhookEndpoints(database);
    const owner = <Row>(sql: string, values: unknown[]) => asOwner<Row>(connection, sql, values);
    return Promise.resolve({
      ofUsers: endpoints,
      ofNotifiers: endpoints,
      addRecipient: async (tenant, channel, address) =>
        void (await owner(`insert into tocsin.recipient values ($1, 'high', $2, $3)`, [tenant, channel, address])),
      notifications: (tenant) =>
        owner('select title, message, to_recipients from tocsin.notification where tenant_id = $1', [tenant]),
      close: () => database.close(),
    });
  },
});
