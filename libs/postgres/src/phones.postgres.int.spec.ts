import { describePhoneDeliveries, describePushSubscriptions } from '@tocsin/contracts/testing';
import { PostgresAccessChanges } from './access-changes.postgres';
import { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresPhoneDeliveries } from './phone-deliveries.postgres';
import { PostgresPushSubscriptions } from './push-subscriptions.postgres';
import { asOwner, freshDatabase } from './testing';

async function opened() {
  const fresh = await freshDatabase();
  const [processor, gateway, notifier] = (['tocsin_processor', 'tocsin_gateway', 'tocsin_notifier'] as const).map(
    (role) => new Database({ connection: { url: fresh.url }, role }),
  ) as [Database, Database, Database];
  const close = async () => {
    await Promise.all([processor, gateway, notifier].map((database) => database.close()));
    await fresh.drop();
  };
  return { url: fresh.url, processor, gateway, notifier, close };
}

describePhoneDeliveries('PostgreSQL', {
  open: async () => {
    const { url, processor, gateway, close } = await opened();
    return {
      phones: new PostgresPhoneDeliveries(gateway),
      log: new PostgresEventLog(processor),
      sql: (text) => asOwner({ url }, text),
      close,
    };
  },
});

describePushSubscriptions('PostgreSQL', {
  open: async () => {
    const { gateway, notifier, close } = await opened();
    return {
      subscriptions: new PostgresPushSubscriptions(gateway),
      targets: new PostgresPushSubscriptions(notifier),
      changes: new PostgresAccessChanges(gateway),
      close,
    };
  },
});

test('the index of replies holds deliveries to phones and no others', async () => {
  const { url, processor, close } = await opened();
  try {
    const plan = (where: string) =>
      asOwner<Record<string, string>>(
        { url },
        `set enable_seqscan = off; explain select from tocsin.delivery where ${where}`,
      );
    void processor;
    const of = async (where: string) => JSON.stringify(await plan(where));
    const reply = `recipient = '+491' and seq = 12`;
    expect(await of(`${reply} and channel in ('sms', 'whatsapp')`)).toContain('delivery_to_phone');
    expect(await of(`${reply} and channel = 'email'`)).not.toContain('delivery_to_phone');
  } finally {
    await close();
  }
});
