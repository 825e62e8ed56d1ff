import { Client } from 'pg';
import {
  aPlannedEvent,
  aTenant,
  describePhoneDeliveries,
  describePushSubscriptions,
  eventually,
} from '@tocsin/contracts/testing';
import { PostgresAccessChanges } from './access-changes.postgres';
import type { Database } from './database';
import { PostgresDeliveries } from './deliveries.postgres';
import { PostgresDeliveryQueue } from './delivery-queue.postgres';
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
    const { url, processor, gateway, notifier, close } = await opened();
    return {
      phones: new PostgresPhoneDeliveries(gateway),
      log: new PostgresEventLog(processor),
      deliveries: new PostgresDeliveries(gateway),
      queue: new PostgresDeliveryQueue(notifier),
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

test('a report that waits for a redrive says nothing of the message that is sent next', async () => {
  const { url, processor, gateway, close } = await opened();
  const redriver = new Client({ connectionString: url });
  try {
    const tenant_id = aTenant();
    await new PostgresEventLog(processor).append([
      aPlannedEvent({ tenant_id }, { deliveries: [{ channel: 'sms', recipient: '+4915112345678' }] }),
    ]);
    // the provider's answer was lost
    await asOwner({ url }, 'delete from tocsin.delivery_due');
    const [delivery] = await asOwner<{ delivery_id: string }>(
      { url },
      `update tocsin.delivery set status = 'unknown', settled_at = now() returning delivery_id`,
    );
    const { delivery_id } = delivery!;
    await redriver.connect();
    await redriver.query('begin');
    await redriver.query(`select tocsin.redrive_deliveries(array[$1], array[$2]::uuid[], array['unknown'])`, [
      tenant_id,
      delivery_id,
    ]);
    const phones = new PostgresPhoneDeliveries(gateway);
    const about = { tenant_id, delivery_id, provider_id: 'SM-lost', reason: null, code: null };
    const reported = phones.report({ ...about, status: 'delivered' });
    await eventually(async () =>
      expect(
        await asOwner(
          { url },
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and state = 'active'`,
        ),
      ).toHaveLength(1),
    );
    await redriver.query('commit');
    expect(await reported).toBe(true);
    const [stands] = await asOwner({ url }, 'select status, provider_status from tocsin.delivery');
    expect(stands).toEqual({ status: 'pending', provider_status: null });
  } finally {
    await redriver.end();
    await close();
  }
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
