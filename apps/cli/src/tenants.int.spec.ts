import { eventually } from '@tocsin/contracts/testing';
import { asOwner, freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { runCli } from './run-cli';
import { PlayedTerminal } from './testing/played-terminal';

let database: FreshDatabase;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database?.drop());

async function tenants(...args: string[]) {
  const terminal = new PlayedTerminal({ DATABASE_URL: database.url });
  const exitCode = await runCli(['tenants', ...args], terminal);
  return { exitCode, out: terminal.stdout, err: terminal.stderr };
}
const done = (...out: unknown[]) => ({ exitCode: 0, out, err: [] });

test('a user is given tenants, is listed with them, and loses them again', async () => {
  expect(await tenants('list', '--user', 'ana')).toEqual(done('ana has no tenant.'));
  expect(await tenants('add', 'north', '--user', 'ana', '--role', 'owner', '--name', 'North Bakery')).toEqual(
    done('ana is owner of north (North Bakery); gateways know of it within 60 s.'),
  );
  expect(await tenants('add', 'south', '--user', 'ana')).toMatchObject({ exitCode: 0 });
  expect(await tenants('list', '--user', 'ana')).toEqual(done('north  owner  North Bakery', 'south  member  south'));

  expect(await tenants('remove', 'north', '--user', 'ana')).toMatchObject({ exitCode: 0 });
  expect(await tenants('list', '--user', 'ana')).toEqual(done('south  member  south'));
  expect(await tenants('remove', 'north', '--user', 'ana')).toEqual({
    exitCode: 1,
    out: [],
    err: ['ana is no member of north.'],
  });
});

test('adding a member again changes what is given and keeps the rest', async () => {
  await tenants('add', 'east', '--user', 'bob', '--role', 'owner', '--name', 'East Bakery');
  await tenants('add', 'east', '--user', 'bob', '--role', 'viewer');
  expect(await tenants('list', '--user', 'bob', '--json')).toEqual(
    done(JSON.stringify({ tenant_id: 'east', name: 'East Bakery', role: 'viewer' })),
  );
});

test('the members of a tenant are its own', async () => {
  await tenants('add', 'west', '--user', 'cho', '--role', 'viewer');
  await tenants('add', 'west', '--user', 'ana');
  await tenants('add', 'elsewhere', '--user', 'dan');
  expect(await tenants('members', 'west')).toEqual(done('ana  member', 'cho  viewer'));
  expect(await tenants('members', 'nowhere')).toEqual(done('nowhere has no members.'));
});

test('names that would steer a terminal are printed as plain text', async () => {
  await tenants('add', 'odd', '--user', 'eve', '--name', 'Red\u001b[31m\nBakery');
  expect((await tenants('list', '--user', 'eve')).out).toEqual(['odd  member  Red [31m Bakery']);
});

/** Locks the memberships until a command has waited for them for a second. */
const LOCK_FOR_A_SECOND = `do $$ begin
  lock table tocsin.tenant_membership in access exclusive mode;
  loop
    perform pg_stat_clear_snapshot();
    exit when exists (select from pg_stat_activity
      where datname = current_database() and application_name = 'tocsin tenants' and wait_event_type = 'Lock'
        and clock_timestamp() - query_start > interval '1 s');
    perform pg_sleep(0.02);
  end loop;
end $$`;
const LOCKED = `select from pg_locks
  where relation = 'tocsin.tenant_membership'::regclass and mode = 'AccessExclusiveLock' and granted`;

test('a database that is slow to answer is waited for, longer than a gateway would', async () => {
  await tenants('add', 'late', '--user', 'fay');
  const locking = asOwner({ url: database.url }, LOCK_FOR_A_SECOND);
  await eventually(async () => expect(await asOwner({ url: database.url }, LOCKED)).toHaveLength(1));
  expect(await tenants('list', '--user', 'fay')).toEqual(done('late  member  late'));
  await locking;
});
