import { describePhoneDeliveries, describePushSubscriptions } from '@tocsin/contracts/testing';
import { PostgresAccessChanges } from './access-changes.postgres';
import type { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresPhoneDeliveries } from './phone-deliveries.postgres';
import { PostgresPushSubscriptions } from './push-subscriptions.postgres';
import { asOwner, freshDatabase, playedMembers } from './testing';

async function opened() {
  const fresh = await freshDatabase();
  const [processor, gateway, notifier] = (['tocsin_processor', 'tocsin_gateway', 'tocsin_notifier'] as const).map(
    (role) => fresh.open(role),
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
    const { url, gateway, notifier, close } = await opened();
    return {
      subscriptions: new PostgresPushSubscriptions(gateway),
      targets: new PostgresPushSubscriptions(notifier),
      changes: new PostgresAccessChanges(gateway),
      ...playedMembers(() => ({ url })),
      close,
    };
  },
});

test('the index of replies holds deliveries to phones and no others', async () => {
  const fresh = await freshDatabase();
  try {
    const [index] = await asOwner<{ rows: string }>(
      { url: fresh.url },
      `select pg_get_expr(indpred, indrelid) as rows from pg_index where indexrelid = 'tocsin.delivery_to_phone'::regclass`,
    );
    expect(index!.rows).toBe(`(channel = ANY (ARRAY['sms'::text, 'whatsapp'::text]))`);
  } finally {
    await fresh.drop();
  }
});
