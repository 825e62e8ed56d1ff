import { aNotification, aPlannedEvent, aTenant } from '@tocsin/contracts/testing';
import { Unavailable } from '@tocsin/contracts';
import { PostgresAccessChanges } from '../access-changes.postgres';
import type { DatabaseConnection } from '../connection';
import { Database } from '../database';
import { PostgresEventLog } from '../event-log.postgres';
import type { Role } from '../roles';
import { PostgresNotifications } from '../notifications.postgres';
import { PostgresRecipientBook } from '../recipient-book.postgres';
import { PostgresTenantDirectory } from '../tenant-directory.postgres';
import { PostgresWebhookEndpoints } from '../webhook-endpoints.postgres';
import { asOwner } from './as-owner';

interface OpenIsolation {
  /** A migrated database, as its owner. */
  connection: DatabaseConnection;
  close(): Promise<void>;
}

/**
 * Tenant names that look like a list, a literal or a quotation of other names. None of them gives access to another
 * tenant.
 */
const HOSTILE = ['a,b', '{a}', '{a,b}', 'a"b', '"a"', "a'b", 'a}', '{', '\\', 'NULL', '', ' a', 'a ', '%', '*'];

/**
 * The database keeps tenants apart, even when a query has no condition on the tenant. For PostgreSQL and the embedded
 * database.
 */
export function describeIsolation(name: string, { open }: { open(): Promise<OpenIsolation> }): void {
  describe(`${name} keeps tenants apart`, () => {
    let opened: OpenIsolation;
    let database: Database;
    let tables: string[];
    const [a, b] = [aTenant('a'), aTenant('b')];
    const owner = <Row = unknown>(sql: string) => asOwner<Row>(opened.connection, sql);
    const rowsOf = (table: string, rows: { tenant_id: string | null }[]) => ({
      table,
      tenants: [...new Set(rows.map((row) => row.tenant_id))].sort(),
    });
    /** Reads the tenants of all rows. A delivery that tells no entry has none of the columns of one. */
    const tenantsIn = (table: string): string =>
      /(told|claimed)_delivery$/.test(table)
        ? `select of_tenant as tenant_id from ${table}`
        : `select tenant_id from ${table}`;

    beforeAll(async () => {
      opened = await open();
      const found = await owner<{ name: string }>(
        `select c.oid::regclass::text as name from pg_class c join pg_attribute t on t.attrelid = c.oid
         where c.relnamespace = 'tocsin'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and t.attname = 'tenant_id' and not t.attisdropped`,
      );
      tables = found.map((row) => row.name);
      // more rights than any role has: here only row-level security keeps tenants apart
      await owner('grant select, insert, update, delete on all tables in schema tocsin to tocsin_standalone');
      database = new Database({ connection: opened.connection, role: 'tocsin_standalone' });
      const log = new PostgresEventLog(database);
      const deliveries = [{ channel: 'email', recipient: 'default' }] as const;
      // enough tenants to put rows into every partition
      const others = Array.from({ length: 24 }, (_, index) => aTenant(`other-${index}`));
      await log.append(
        [a, b, ...others].map((tenant_id) => aPlannedEvent({ tenant_id, dedup_key: 'k' }, { deliveries })),
      );
      // folded repeats that are due: the function that appends them runs before it can name a tenant
      await new PostgresEventLog(database, { after: 0, windowMs: 3_600_000 }).append(
        [a, b].flatMap((tenant_id) => [aPlannedEvent({ tenant_id, dedup_key: 'k' })]),
      );
      await owner('update tocsin.folded_repeat set due_at = now()');
      await log.bury(
        [a, b, null].map((tenant_id) => ({
          tenant_id,
          reason: 'invalid_field',
          detail: '',
          body: Buffer.from('x'),
          routing_key: null,
        })),
      );
      for (const tenant_id of [a, b])
        await new PostgresAccessChanges(database).revoke({ user_id: `user of ${tenant_id}`, tenant_id });
      await owner(`insert into tocsin.revocation (user_id, tenant_id) values ('user of a', 'a'), ('user of b', 'b')`);
      await owner(
        `insert into tocsin.seen (user_id, tenant_id, epoch, seq) values ('user of a', 'a', 'e', 1), ('user of b', 'b', 'e', 1)`,
      );
      await owner(
        `insert into tocsin.unsubscribed (tenant_id, channel, address) values ('a', 'email', 'x'), ('b', 'email', 'x')`,
      );
      for (const tenant_id of ['a', 'b'])
        await owner(`
          insert into tocsin.recipient values ('${tenant_id}', 'high', 'email', 'user@example.com');
          insert into tocsin.delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome)
            values ('${tenant_id}', gen_random_uuid(), 1, now(), now(), 'sent')`);
      for (const tenant_id of [a, b])
        await new PostgresNotifications(database).create(
          aNotification(tenant_id, {
            created_by: `service of ${tenant_id}`,
            // it stays a notification: a view shows a delivery without an entry under no tenant
            due_at: new Date(Date.now() + 3_600_000).toISOString(),
          }),
        );
      await owner(
        `insert into tocsin.delivery_due (tenant_id, delivery_id, channel, recipient, planned_at, first_due_at, due_at)
         select tenant_id, delivery_id, channel, recipient, created_at, due_at, due_at from tocsin.delivery
         on conflict do nothing;
         insert into tocsin.delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome) select tenant_id, delivery_id, 1, now(), now(), 'retry'
         from tocsin.delivery on conflict do nothing`,
      );
      for (const tenant_id of [a, b])
        await new PostgresRecipientBook(database).replace(tenant_id, { low: { push: [`user:${tenant_id}`] } }, null);
      for (const tenant_id of [a, b])
        await new PostgresWebhookEndpoints(database).use(tenant_id, 'https://hooks.example.com/');
      await owner(
        `insert into tocsin.push_subscription (endpoint, tenant_id, user_id, issuer, p256dh, auth, renewed_at)
         values ('https://a', 'a', 'user of a', '', 'k', 'k', now()), ('https://b', 'b', 'user of b', '', 'k', 'k', now())`,
      );
      for (const tenant_id of [a, b])
        await new PostgresTenantDirectory(database).introduce(`user of ${tenant_id}`, [
          { tenant_id, name: tenant_id, role: 'viewer' },
        ]);
    }, 60_000);
    afterAll(async () => {
      await database?.close();
      await opened?.close();
    });

    it('has row-level security forced on every table, and the one rule on every table with a tenant', async () => {
      const relations = await owner<{ relname: string; forced: boolean; has_tenant: boolean; rules: string[] }>(
        `select relname, relrowsecurity and relforcerowsecurity as forced,
                exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant_id') as has_tenant,
                array(select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = c.oid and polroles = '{0}') as rules
         from pg_class c where relnamespace = 'tocsin'::regnamespace and relkind in ('r', 'p') and relname <> 'migration'`,
      );
      expect(relations.length).toBeGreaterThan(9);
      const rule = `(tenant_id IN ( SELECT unnest((NULLIF(current_setting('tocsin.tenants'::text, true), ''::text))::text[]) AS unnest))`;
      for (const { relname, forced, has_tenant, rules } of relations)
        expect({ relname, forced, rules }).toEqual({ relname, forced: true, rules: has_tenant ? [rule] : [] });
    });

    it("shows a tenant's own rows and no others to a query without WHERE, on every table", async () => {
      expect(tables).toEqual(
        expect.arrayContaining([
          'tocsin.event',
          'tocsin.alert',
          'tocsin.delivery',
          'tocsin.delivery_due',
          'tocsin.idempotency',
          'tocsin.dead_letter',
          'tocsin.tenant_membership',
          'tocsin.tenant_stream',
        ]),
      );
      for (const tenant of [a, b]) {
        await database.as([tenant], async (manager) => {
          for (const table of tables.filter((known) => !/_\d$/.test(known))) {
            expect(rowsOf(table, await manager.query(tenantsIn(table)))).toEqual({
              table,
              tenants: [tenant],
            });
          }
          for (const partition of tables.filter((known) => /_\d$/.test(known))) {
            expect([[], [tenant]]).toContainEqual(
              rowsOf(partition, await manager.query(`select tenant_id from ${partition}`)).tenants,
            );
          }
        });
      }
    });

    it('shows nothing at all without a tenant', async () => {
      for (const table of tables) {
        expect(rowsOf(table, await database.call(tenantsIn(table)))).toEqual({ table, tenants: [] });
        expect(rowsOf(table, await database.as([], (manager) => manager.query(tenantsIn(table))))).toEqual({
          table,
          tenants: [],
        });
      }
    });

    it.each(HOSTILE)('shows nothing of other tenants to a tenant called %j', async (hostile) => {
      await database.as([aTenant(hostile)], async (manager) => {
        for (const table of tables)
          expect(rowsOf(table, await manager.query(tenantsIn(table)))).toEqual({ table, tenants: [] });
      });
      expect(await new PostgresEventLog(database).after(aTenant(hostile), 0, 10)).toEqual([]);
    });

    it('lets no session write or change rows of another tenant', async () => {
      const insert = `insert into tocsin.tenant_membership (user_id, tenant_id, name, role) values ('mallory', 'b', 'b', 'admin')`;
      await expect(database.as([a], (manager) => manager.query(insert))).rejects.toBeInstanceOf(Unavailable);
      await expect(
        database.as([a], (manager) => manager.query(`update tocsin.tenant_membership set tenant_id = 'b'`)),
      ).rejects.toBeInstanceOf(Unavailable);
      const undone = new Error('undone');
      const deletion = database.as([a], async (manager) => {
        const [deleted] = (await manager.query('delete from tocsin.event returning tenant_id')) as [
          { tenant_id: string }[],
        ];
        expect(deleted).toEqual([{ tenant_id: 'a' }]);
        throw undone;
      });
      await expect(deletion).rejects.toBe(undone);
    });

    it('shows no more within a transaction after a function that crossed tenants', async () => {
      await database.as([a], async (manager) => {
        await manager.query('select * from tocsin.stream_heads($1)', [['a', 'b']]);
        await manager.query('select * from tocsin.entries_after($1, 0, 10)', ['b']);
        await manager.query('select * from tocsin.start_at_time($1, now())', ['b']);
        await manager.query('select * from tocsin.tenants_of($1)', ['user of b']);
        await manager.query(
          'select * from tocsin.read_dead_letters(null, null, null, null, null, null, false, true, 10)',
        );
        await manager.query(`select * from tocsin.decide_dead_letters(null, '{}', 'discarded', 'x', 'x')`);
        await manager.query('select * from tocsin.count_open_dead_letters(null, null, null, null, false)');
        await manager.query('select * from tocsin.dead_letter_depth()');
        await manager.query(
          `select * from tocsin.act_on_alerts('{b}', '{b}', array(select alert_id from tocsin.alert), 'note', 'x', null, null, null, true, 'x', null, null, 'noted', '{aaaaaaaa}')`,
        );
        await manager.query(`select * from tocsin.wake_snoozed('{aaaaaaaa}')`);
        await manager.query(`select * from tocsin.seen_positions('user of b', '{b}')`);
        await manager.query(`select tocsin.advance_seen('user of b', '{b}', '{e}', '{1}')`);
        await manager.query(
          `select tocsin.report_delivery('b', gen_random_uuid(), 'SM', 'sent', '{sent}', null, null)`,
        );
        await manager.query(`select * from tocsin.told_by_phone('+491', 1)`);
        await manager.query(`select tocsin.subscribe_push('user of b', '', '{b}', 'https://b', 'k', 'k', 20)`);
        await manager.query(`select * from tocsin.push_browsers_of('user of b', '', '{b}', '30 days')`);
        await manager.query(`select * from tocsin.push_targets('b', 'user of b', gen_random_uuid(), '30 days')`);
        await manager.query(`select tocsin.note_push_taken('b', '{https://b}', gen_random_uuid())`);
        await manager.query(`select tocsin.unsubscribe_push('user of b', '', '{b}', 'none')`);
        await manager.query(`select tocsin.forget_push('{https://none}')`);
        await manager.query(`select tocsin.release_entries('', '90 days', 10)`);
        await manager.query(`select * from tocsin.delete_released('', 10, 10)`);
        await manager.query(`select * from tocsin.delete_settled('', '90 days', 10, 10)`);
        await manager.query(`select tocsin.forget_ids('7 days', 10)`);
        await manager.query(`select * from tocsin.claim_deliveries('email', 10, '30 s', false, '', 1)`);
        await manager.query(
          `select tocsin.settle_deliveries('{b}', array[gen_random_uuid()], '{1}', '{sent}', '{null}', '{null}', '{null}', '{null}', 1)`,
        );
        for (const called of ['begin', 'extend'])
          await manager.query(`select tocsin.${called}_deliveries('{b}', array[gen_random_uuid()], '{1}', '30 s', 1)`);
        await manager.query('select * from tocsin.delivery_depth()');
        await manager.query(`select * from tocsin.read_notifications('{b}', null, null, null, null, 10)`);
        await manager.query(`select * from tocsin.notification_of_key('b', 'service of b', 'k')`);
        await manager.query(`select * from tocsin.find_notification('{b}', gen_random_uuid())`);
        await manager.query(`select tocsin.tenant_of_notification(gen_random_uuid(), 'service of b')`);
        await manager.query(`select * from tocsin.cancel_notification('{b}', gen_random_uuid(), 'x')`);
        await manager.query(`select * from tocsin.start_notifications('', 10, 10, 10)`);
        await manager.query(`select * from tocsin.finish_notifications('', gen_random_uuid(), 10)`);
        await manager.query(`select * from tocsin.find_deliveries('{b}', gen_random_uuid(), null, null)`);
        await manager.query(`select * from tocsin.read_deliveries('b', null, null, null, null, null, 10, 10)`);
        await manager.query(`select * from tocsin.redrive_deliveries('{b}', array[gen_random_uuid()], '{failed}')`);
        await manager.query(`select tocsin.cancel_delivery('{b}', gen_random_uuid())`);
        for (const table of tables.filter((known) => !/_\d$/.test(known)))
          expect(rowsOf(table, await manager.query(tenantsIn(table)))).toEqual({
            table,
            tenants: ['a'],
          });
      });
    });

    it.each(['discard all', 'reset all', 'reset role', `set session "tocsin.tenants" = ''`])(
      'opens nothing after "%s" on a connection of the pool',
      async (statement) => {
        const single = new Database({ connection: opened.connection, role: 'tocsin_standalone', poolSize: 1 });
        await database.close();
        try {
          await single.as([a], (manager) => manager.query('select 1'));
          await single.call(statement);
          expect(await single.call('select tenant_id from tocsin.alert')).toEqual([]);
          expect(await single.as([a], (manager) => manager.query('select tenant_id from tocsin.alert'))).toEqual([
            { tenant_id: 'a' },
          ]);
        } finally {
          await single.close();
          database = new Database({ connection: opened.connection, role: 'tocsin_standalone' });
        }
      },
    );

    it('refuses a role that does not exist, a superuser, one that bypasses row-level security, and one that owns a table', async () => {
      await database.close();
      await owner(`
        create role tocsin_test_bypass nologin bypassrls;
        create role tocsin_test_owner nologin;
        create table tocsin.owned ();
        alter table tocsin.owned owner to tocsin_test_owner`);
      try {
        for (const [role, why] of [
          ['tocsin_test_missing', /does not exist/],
          ['postgres', /superuser/],
          ['tocsin_test_bypass', /bypasses/],
          ['tocsin_test_owner', /owns a table/],
        ] as const) {
          const refused = new Database({ connection: opened.connection, role: role as Role });
          try {
            const error: unknown = await refused.call('select 1').catch((reason: unknown) => reason);
            expect(error).toBeInstanceOf(Unavailable);
            expect((error as Error).message).toMatch(why);
          } finally {
            await refused.close();
          }
        }
      } finally {
        await owner('drop table tocsin.owned; drop role tocsin_test_bypass; drop role tocsin_test_owner');
        database = new Database({ connection: opened.connection, role: 'tocsin_standalone' });
      }
    });

    it('runs functions that cross tenants under a role that owns no table, and only granted roles may call them', async () => {
      const functions = await owner<{
        name: string;
        definer: boolean;
        owner: string;
        path: string | null;
        anybody: boolean;
      }>(
        `select proname as name, prosecdef as definer, r.rolname as owner, array_to_string(proconfig, ' ') as path,
                exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0) as anybody
         from pg_proc p join pg_roles r on r.oid = p.proowner where pronamespace = 'tocsin'::regnamespace`,
      );
      expect(functions.filter(({ definer }) => definer).length).toBeGreaterThan(5);
      for (const { name: proname, definer, owner, path, anybody } of functions) {
        expect({ proname, anybody }).toEqual({ proname, anybody: false });
        if (definer)
          expect({ proname, owner, path }).toEqual({
            proname,
            owner: 'tocsin_definer',
            path: expect.stringContaining('search_path=tocsin, pg_temp') as string,
          });
      }
      const [definer] = await owner(
        `select rolcanlogin, rolsuper, rolbypassrls, exists (select from pg_class where relowner = r.oid and relkind in ('r', 'p')) as owns from pg_roles r where rolname = 'tocsin_definer'`,
      );
      expect(definer).toEqual({ rolcanlogin: false, rolsuper: false, rolbypassrls: false, owns: false });
    });
  });
}
