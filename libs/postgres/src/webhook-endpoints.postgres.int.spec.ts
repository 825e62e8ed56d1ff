import { aTenant, describeWebhookEndpoints } from '@tocsin/contracts/testing';
import type { Database } from './database';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';
import { PostgresWebhookEndpoints } from './webhook-endpoints.postgres';

let fresh: FreshDatabase;
const opened: Database[] = [];
const as = (role: 'tocsin_gateway' | 'tocsin_notifier', key?: string) => {
  const database = fresh.open(role);
  opened.push(database);
  return new PostgresWebhookEndpoints(database, key);
};
const owner = <Row>(sql: string, values: unknown[]) => asOwner<Row>({ url: fresh.url }, sql, values);
beforeAll(async () => void (fresh = await freshDatabase()), 60_000);
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()));
  await fresh?.drop();
});

describeWebhookEndpoints('PostgreSQL', {
  async open() {
    return {
      ofUsers: as('tocsin_gateway'),
      ofNotifiers: as('tocsin_notifier'),
      addRecipient: async (tenant, channel, address) =>
        void (await owner(`insert into tocsin.recipient values ($1, 'high', $2, $3)`, [tenant, channel, address])),
      notifications: (tenant) =>
        owner('select title, message, to_recipients from tocsin.notification where tenant_id = $1', [tenant]),
      close: async () => undefined,
    };
  },
});

it('ends an overlap after 24 hours', async () => {
  const tenant = aTenant();
  const [gateway, notifier] = [as('tocsin_gateway'), as('tocsin_notifier')];
  const { endpoint_id } = await notifier.use(tenant, 'https://a.example/');
  await gateway.change([tenant], endpoint_id, 'ana', { rotate: true });
  const setBack = (hours: number) =>
    owner(`update tocsin.webhook_endpoint set rotated_at = now() - $2 * interval '1 hour' where endpoint_id = $1`, [
      endpoint_id,
      hours,
    ]);
  await setBack(23.9);
  expect((await notifier.use(tenant, 'https://a.example/')).secrets).toHaveLength(2);
  await setBack(24.1);
  expect((await notifier.use(tenant, 'https://a.example/')).secrets).toHaveLength(1);
  expect(await gateway.secretOf([tenant], endpoint_id, 'ana')).toMatchObject({ previous_secret: null });
});

it('switches off after five days of only failures, and not an hour before', async () => {
  const tenant = aTenant();
  const notifier = as('tocsin_notifier');
  const { endpoint_id } = await notifier.use(tenant, 'https://a.example/');
  const [hour, policy] = [3_600_000, { gone: false, disableAfterMs: 120 * 3_600_000, forgetAfterMs: 48 * 3_600_000 }];
  const failAfter = async (hours: number) => {
    await owner(
      `update tocsin.webhook_endpoint set failing_since = now() - $2 * interval '1 ms', failed_at = now() - interval '1 hour'
       where endpoint_id = $1`,
      [endpoint_id, hours * hour],
    );
    return notifier.failed(tenant, endpoint_id, policy);
  };
  expect(await failAfter(119)).toBeNull();
  expect(await failAfter(120)).toBe('failing');
});

it('a key of the operator replaces the kept one, and headers that were sealed with another one are not read', async () => {
  const tenant = aTenant();
  const kept = as('tocsin_gateway');
  const { endpoint_id, secrets } = await kept.use(tenant, 'https://a.example/');
  await kept.change([tenant], endpoint_id, 'ana', { headers: { Authorization: 'Bearer secret' } });
  const own = as('tocsin_notifier', 'an-own-key-of-these-tests-0123456789-0123456789');
  const used = await own.use(tenant, 'https://a.example/');
  expect(used.headers).toBeNull();
  expect(used.secrets).not.toEqual(secrets);
  expect(await as('tocsin_notifier').use(tenant, 'https://a.example/')).toMatchObject({
    secrets,
    headers: { Authorization: 'Bearer secret' },
  });
});

it('keeps no values of headers in the clear, and no secret at all', async () => {
  const tenant = aTenant();
  const gateway = as('tocsin_gateway');
  const { endpoint_id, secrets } = await gateway.use(tenant, 'https://a.example/');
  await gateway.change([tenant], endpoint_id, 'ana', { headers: { Authorization: 'Bearer in-the-clear' } });
  const rows = JSON.stringify(await owner('select * from tocsin.webhook_endpoint', []));
  expect(rows).toContain('Authorization');
  expect(rows).not.toContain('in-the-clear');
  expect(rows).not.toContain(secrets[0]!.slice('whsec_'.length));
});

it('an address that was never configured and not used for 90 days makes room for a new one', async () => {
  const tenant = aTenant();
  const [gateway, notifier] = [as('tocsin_gateway'), as('tocsin_notifier')];
  for (const path of ['old', 'configured', 'recent']) await notifier.use(tenant, `https://a.example/${path}`);
  const configured = (await gateway.list([tenant])).find(({ url }) => url.endsWith('configured'));
  await gateway.secretOf([tenant], configured!.endpoint_id, 'ana');
  await owner(
    `update tocsin.webhook_endpoint set used_on = current_date - 91 where tenant_id = $1 and url not like '%recent'`,
    [tenant],
  );
  await notifier.use(tenant, 'https://a.example/new');
  // sorted: endpoints that are made within one millisecond are listed in any order
  expect((await gateway.list([tenant])).map(({ url }) => url.split('/').at(-1)).sort()).toEqual([
    'configured',
    'new',
    'recent',
  ]);
  await notifier.use(tenant, configured!.url);
  expect(
    await owner(
      'select used_on = current_date as fresh from tocsin.webhook_endpoint where url = $1 and tenant_id = $2',
      [configured!.url, tenant],
    ),
  ).toEqual([{ fresh: true }]);
});
