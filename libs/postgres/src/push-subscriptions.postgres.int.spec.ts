import { randomUUID } from 'node:crypto';
import { aTenant } from '@tocsin/contracts/testing';
import { Client } from 'pg';
import { PostgresAccessChanges } from './access-changes.postgres';
import type { Database } from './database';
import { PostgresPushSubscriptions } from './push-subscriptions.postgres';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

let fresh: FreshDatabase;
let gateway: Database;
let notifier: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  [gateway, notifier] = [fresh.open('tocsin_gateway'), fresh.open('tocsin_notifier')];
}, 60_000);
afterAll(async () => {
  await Promise.all([gateway.close(), notifier.close()]);
  await fresh.drop();
});

const tenant = aTenant();
const aBrowser = () => ({ endpoint: `https://push.example/${randomUUID()}`, p256dh: 'key', auth: 'secret' });
const targets = async (user_id: string) =>
  (await new PostgresPushSubscriptions(notifier).to(tenant, user_id, randomUUID())).map(({ endpoint }) => endpoint);

it('a revocation that is committed late, under a lower id, ends the subscription', async () => {
  const [user_id, browser] = [randomUUID(), aBrowser()];
  const late = new Client({ connectionString: fresh.url });
  await late.connect();
  try {
    await late.query('begin');
    await late.query('select tocsin.revoke_access($1, null, null, null)', [user_id]);
    await new PostgresAccessChanges(gateway).revoke({ user_id, jti: randomUUID() });
    const subscriptions = new PostgresPushSubscriptions(gateway);
    await subscriptions.subscribe({ user_id, issuer: '' }, [tenant], browser, Date.now() - 60_000);
    expect(await targets(user_id)).toEqual([browser.endpoint]);
    await late.query('commit');
    expect(await targets(user_id)).toEqual([]);
  } finally {
    await late.end();
  }
});

it('a gateway of the version before subscribes as it did, and the next revocation ends that', async () => {
  const [user_id, browser] = [randomUUID(), aBrowser()];
  const changes = new PostgresAccessChanges(gateway);
  await changes.revoke({ user_id });
  await gateway.call('select tocsin.subscribe_push($1, $2, $3, $4, $5, $6, $7)', [
    ...[user_id, '', [tenant], browser.endpoint, browser.p256dh, browser.auth, 20],
  ]);
  expect(await targets(user_id)).toEqual([browser.endpoint]);
  await changes.revoke({ user_id, issued_before: '2026-01-01T00:00:00.000Z' });
  expect(await targets(user_id)).toEqual([]);
});

it('the revocations of others are not read for a delivery or a subscription, however many have signed out', async () => {
  await asOwner(
    { url: fresh.url },
    `insert into tocsin.revocation (user_id, jti)
     select 'other-' || n % 1000, gen_random_uuid()::text from generate_series(1, 20000) n`,
  );
  await asOwner({ url: fresh.url }, 'analyze tocsin.revocation');
  const [user_id, browser] = [randomUUID(), aBrowser()];
  const session = new Client({ connectionString: fresh.url });
  await session.connect();
  try {
    await session.query('begin');
    // as a gateway of the version before
    await session.query('select tocsin.subscribe_push($1, $2, $3, $4, $5, $6, $7)', [
      ...[user_id, '', [tenant], browser.endpoint, browser.p256dh, browser.auth, 20],
    ]);
    const { rows: found } = await session.query(
      `select endpoint from tocsin.push_targets($1, $2, gen_random_uuid(), '30 days')`,
      [tenant, user_id],
    );
    expect(found).toEqual([{ endpoint: browser.endpoint }]);
    const { rows: read } = await session.query(
      `select (seq_tup_read + idx_tup_fetch)::integer as count from pg_stat_xact_user_tables
       where relid = 'tocsin.revocation'::regclass`,
    );
    expect(read).toEqual([{ count: 0 }]);
    await session.query('commit');
  } finally {
    await session.end();
  }
});
