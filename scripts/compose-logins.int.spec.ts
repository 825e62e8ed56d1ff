import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aPlannedEvent, aTenant } from '@tocsin/contracts/testing';
import { Database, PostgresEventLog, type Role } from '@tocsin/postgres';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { Client } from 'pg';
import { parse } from 'yaml';

// The test needs no Docker: the step of docker-compose.yml that creates the logins is SQL. It runs here on a real
// PostgreSQL, with the addresses that docker-compose.yml gives to the apps.

const read = (path: string) => readFileSync(join(__dirname, '..', path), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, { environment: Record<string, string> }>;
};
const APPS: [app: string, role: Role, other: Role][] = [
  ['gateway', 'tocsin_gateway', 'tocsin_processor'],
  ['alert-processor', 'tocsin_processor', 'tocsin_gateway'],
  ['notifier', 'tocsin_notifier', 'tocsin_processor'],
];

let fresh: FreshDatabase;
let owner: Client;
const open = async (url: string): Promise<Client> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
};
/** The address that docker-compose.yml gives to an app, on the database of this test. */
function addressOf(app: string): string {
  const { username, password } = new URL(compose.services[app]!.environment.DATABASE_URL!);
  return Object.assign(new URL(fresh.url), { username, password }).toString();
}
const loginOf = (app: string): string => new URL(addressOf(app)).username;

beforeAll(async () => {
  fresh = await freshDatabase();
  owner = await open(fresh.url);
  // twice, because compose runs the step again with every `up`
  for (let i = 0; i < 2; i += 1) await owner.query(read('infrastructure/local/compose-logins.sql'));
}, 60_000);
afterAll(async () => {
  for (const [app] of APPS) await owner?.query(`drop role if exists ${loginOf(app)}`);
  await owner?.end();
  await fresh?.drop();
});

it.each(APPS)('%s logs in as a role that is a member of %s and of nothing else', async (app, role) => {
  const { rows } = await owner.query(
    `select r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls, r.rolcanlogin,
       array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid) as member_of,
       (select count(*)::int from pg_class c where c.relowner = r.oid) as owns
     from pg_roles r where r.rolname = $1`,
    [loginOf(app)],
  );
  const nothing = {
    rolsuper: false,
    rolinherit: false,
    rolcreaterole: false,
    rolcreatedb: false,
    rolreplication: false,
    rolbypassrls: false,
  };
  expect(rows).toEqual([{ ...nothing, rolcanlogin: true, member_of: [role], owns: 0 }]);
});

it.each(APPS)('%s by itself does nothing, and takes no role but its own', async (app, role, other) => {
  const client = await open(addressOf(app));
  try {
    for (const text of [
      'select from tocsin.event',
      'select from tocsin.dead_letter',
      'create table tocsin.mine ()',
      'create schema mine',
      'create role mine',
      `alter role ${loginOf(app)} superuser`,
    ]) {
      await expect(client.query(text)).rejects.toThrow(/permission denied|must be/i);
    }
    for (const taken of [other, 'tocsin_standalone', 'tocsin_definer', 'postgres'])
      await expect(client.query(`set role ${taken}`)).rejects.toThrow(/permission denied/);
    await client.query(`set role ${role}`);
    await expect(client.query('create table tocsin.mine ()')).rejects.toThrow(/permission denied/);
  } finally {
    await client.end();
  }
});

it('the apps do with them what they are there for', async () => {
  const [gateway, processor] = APPS.slice(0, 2).map(
    ([app, role]) => new Database({ connection: { url: addressOf(app) }, role }),
  ) as [Database, Database];
  try {
    const tenant_id = aTenant();
    expect((await new PostgresEventLog(processor).append([aPlannedEvent({ tenant_id })]))[0]).toMatchObject({
      outcome: 'stored',
    });
    expect(await new PostgresEventLog(gateway).after(tenant_id, 0, 10)).toHaveLength(1);
    await expect(new PostgresEventLog(gateway).append([aPlannedEvent({ tenant_id })])).rejects.toThrow();
  } finally {
    await Promise.all([gateway.close(), processor.close()]);
  }
});
