import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unavailable } from '@tocsin/contracts';
import { aPlannedEvent, aTenant, eventually } from '@tocsin/contracts/testing';
import { Client } from 'pg';
import { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { migrate } from './migrate';
import { readMigrations } from './migration-files';
import { migrationState } from './migration-state';
import { DEFINER, ROLES } from './roles';
import { MIGRATIONS, newestIn, noteVersion, READ_VERSION } from './schema-version';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

it('ten processes may migrate an empty database at once: one migrates, the others find it done', async () => {
  const fresh = await freshDatabase({ migrated: false });
  try {
    const reports = await Promise.all(Array.from({ length: 10 }, () => migrate({ connection: { url: fresh.url } })));
    const [applied, ...others] = reports.map((report) => report.applied).filter((names) => names.length > 0);
    expect(applied![0]).toBe('0001-the-log');
    expect(others).toEqual([]);
    for (const { functions } of reports) expect(functions).toContain('store-events');
    expect(await asOwner({ url: fresh.url }, 'select name from tocsin.migration')).toHaveLength(applied!.length);
  } finally {
    await fresh.drop();
  }
}, 60_000);

it('several databases of one server may be migrated at once', async () => {
  const databases = await Promise.all(Array.from({ length: 4 }, () => freshDatabase({ migrated: false })));
  try {
    await Promise.all(databases.map(({ url }) => migrate({ connection: { url } })));
  } finally {
    await Promise.all(databases.map(({ drop }) => drop()));
  }
}, 60_000);

it('a function with another result type is replaced, and a function without a file is dropped', async () => {
  const fresh = await freshDatabase();
  try {
    await asOwner(
      { url: fresh.url },
      `
      drop function tocsin.redeem_ticket;
      create function tocsin.redeem_ticket(shown text, expires timestamptz) returns integer language sql as 'select 1';
      create function tocsin.former() returns integer language sql as 'select 1'`,
    );
    await migrate({ connection: { url: fresh.url } });
    const found = `select proname, prorettype::regtype::text as returns from pg_proc where pronamespace = 'tocsin'::regnamespace and proname in ('redeem_ticket', 'former')`;
    expect(await asOwner({ url: fresh.url }, found)).toEqual([{ proname: 'redeem_ticket', returns: 'boolean' }]);
  } finally {
    await fresh.drop();
  }
}, 60_000);

it('an owner with no privilege beyond its database and its roles is enough, and the apps may log in as that owner', async () => {
  const server = { url: process.env.DATABASE_URL! };
  const name = `tocsin_test_owner_${randomBytes(4).toString('hex')}`;
  const fresh = await freshDatabase({ migrated: false });
  await asOwner(server, `create role ${name} login createrole password 'owner'`);
  // the roles are there already, so from PostgreSQL 16 on this owner needs what their creator has
  const [{ since_16 }] = (await asOwner(
    server,
    `select current_setting('server_version_num')::integer >= 160000 as since_16`,
  )) as [{ since_16: boolean }];
  if (since_16)
    await asOwner(
      server,
      `grant ${[DEFINER, ...ROLES].join(', ')} to ${name} with admin true, inherit false, set false`,
    );
  const url = new URL(fresh.url);
  const database = url.pathname.slice(1);
  await asOwner(server, `alter database ${database} owner to ${name}`);
  url.username = name;
  url.password = 'owner';
  const connection = { url: url.toString() };
  const processor = new Database({ connection, role: 'tocsin_processor' });
  const gateway = new Database({ connection, role: 'tocsin_gateway' });
  try {
    await migrate({ connection });
    expect((await migrate({ connection })).applied).toEqual([]);
    const tenant_id = aTenant();
    const [stored] = await new PostgresEventLog(processor).append([aPlannedEvent({ tenant_id })]);
    expect(stored!.outcome).toBe('stored');
    expect(await new PostgresEventLog(gateway).after(tenant_id, 0, 10)).toHaveLength(1);
    // row-level security binds the owner too, and the owner is refused as the role of an app
    expect(await asOwner(connection, 'select from tocsin.event')).toEqual([]);
    const asTheOwner = new Database({ connection, role: name as 'tocsin_gateway' });
    await expect(asTheOwner.check()).rejects.toThrow(/owns a table/);
    await asTheOwner.close();
  } finally {
    await Promise.all([processor.close(), gateway.close()]);
    await fresh.drop();
    await asOwner(server, `drop role ${name}`);
  }
}, 60_000);

it('a database that stopped after each migration in turn ends as one that was migrated at once', async () => {
  const [atOnce, stepwise] = await Promise.all([freshDatabase(), freshDatabase({ migrated: false })]);
  try {
    const connection = { url: stepwise.url };
    for (const { number, name } of readMigrations(MIGRATIONS))
      expect(await migrate({ connection, to: number })).toMatchObject({ applied: [name] });
    await migrate({ connection });
    const columns = `
      select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'tocsin'::regnamespace and a.attnum > 0 and not a.attisdropped order by 1, 2`;
    const routines = `
      select oid::regprocedure::text as name, proacl::text from pg_proc where pronamespace = 'tocsin'::regnamespace order by 1`;
    for (const shape of [columns, routines])
      expect(await asOwner(connection, shape)).toEqual(await asOwner({ url: atOnce.url }, shape));
    await expect(migrate({ connection, to: 1 })).rejects.toThrow(/Migrations go one way: \d+-\S+ has run already/);
  } finally {
    await Promise.all([atOnce.drop(), stepwise.drop()]);
  }
}, 60_000);

it('a database that a newer version has migrated keeps its functions and its version', async () => {
  const fresh = await freshDatabase();
  const connection = { url: fresh.url };
  try {
    await asOwner(
      connection,
      `insert into tocsin.migration (timestamp, name) values (9001, 'of-tomorrow0000000009001');
       ${noteVersion(9_001)};
       create function tocsin.of_tomorrow() returns integer language sql as 'select 1'`,
    );
    const functions = () =>
      asOwner(connection, `select oid from pg_proc where pronamespace = 'tocsin'::regnamespace order by oid`);
    const before = await functions();
    expect(await migrate({ connection })).toEqual({
      applied: [],
      functions: [],
      left: [],
      newer: ['9001-of-tomorrow'],
    });
    expect(await functions()).toEqual(before);
    expect(await asOwner(connection, READ_VERSION)).toEqual([{ version: 9_001 }]);
  } finally {
    await fresh.drop();
  }
}, 60_000);

describe('a migration of a table that another transaction has read', () => {
  let folder: string;
  let fresh: FreshDatabase;
  let backup: Client;
  let processor: Database;

  beforeEach(async () => {
    fresh = await freshDatabase();
    folder = mkdtempSync(join(tmpdir(), 'tocsin-migrations-'));
    cpSync(MIGRATIONS, folder, { recursive: true });
    writeFileSync(join(folder, '0901-a-column.sql'), 'alter table alert add column of_tomorrow integer');
    processor = fresh.open('tocsin_processor');
    backup = new Client({ connectionString: fresh.url, application_name: 'backup' });
    await backup.connect();
    await backup.query('begin');
    await backup.query('select from tocsin.alert');
  }, 60_000);
  afterEach(async () => {
    await Promise.all([processor.close(), backup.end()]);
    await fresh.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('waits for its end in short turns, between which alerts are stored', async () => {
    const running = migrate({ connection: { url: fresh.url }, folder });
    const waits = async () =>
      expect(
        await asOwner(
          { url: fresh.url },
          `select from pg_stat_activity
           where datname = current_database() and application_name = 'tocsin migrate' and wait_event_type = 'Lock'`,
        ),
      ).toHaveLength(1);
    const log = new PostgresEventLog(processor);
    for (let turn = 0; turn < 2; turn += 1) {
      await eventually(waits);
      const [stored] = await log.append([aPlannedEvent({ tenant_id: aTenant() })]);
      expect(stored!.outcome).toBe('stored');
    }
    await backup.query('commit');
    expect((await running).applied).toEqual(['0901-a-column']);
  }, 60_000);

  it('gives up in the end, and says which process it has waited for', async () => {
    await expect(migrate({ connection: { url: fresh.url }, folder, timeoutMs: 4_000 })).rejects.toThrow(
      /^The tables were in use for 4 s by process \d+ \(backup\), and the migration needs them for a moment/,
    );
    await backup.query('commit');
    expect((await migrate({ connection: { url: fresh.url }, folder })).applied).toEqual(['0901-a-column']);
  }, 60_000);
});

describe('a migration that runs outside of a transaction', () => {
  let parent: string;
  let folder: string;
  let fresh: FreshDatabase;
  let other: Client;

  beforeEach(async () => {
    fresh = await freshDatabase();
    parent = mkdtempSync(join(tmpdir(), 'tocsin-migrations-'));
    folder = join(parent, 'all');
    cpSync(MIGRATIONS, folder, { recursive: true });
    const add = (name: string, sql: string) => writeFileSync(join(folder, name), sql);
    add(
      '0901-a-table.sql',
      'create table numbered (n integer primary key, half integer); insert into numbered select generate_series(1, 10)',
    );
    add(
      '0902-fill-and-index.online.sql',
      `-- What is filled in chunks, and then found by an index.
-- in chunks of three
with chunk as (select n from numbered where half is null order by n limit 3)
update numbered set half = numbered.n / 2 from chunk where numbered.n = chunk.n;
-- once
create index concurrently if not exists numbered_half on numbered (half);
`,
    );
    add('0903-all-are-filled.sql', '-- needs online\nalter table numbered alter half set not null');
    other = new Client({ connectionString: fresh.url });
    other.on('error', () => undefined);
    await other.connect();
  }, 60_000);
  afterEach(async () => {
    await other.end();
    await fresh.drop();
    rmSync(parent, { recursive: true, force: true });
  });

  const run = () => migrate({ connection: { url: fresh.url }, folder });
  const query = async (sql: string) => (await asOwner({ url: fresh.url }, sql)) as Record<string, unknown>[];
  const filled = async () => (await query('select count(half)::integer as n from tocsin.numbered'))[0]!.n;
  const index = () =>
    query(`select indisvalid as valid from pg_index where indexrelid = to_regclass('tocsin.numbered_half')`);
  const applied = async () =>
    (await query('select name from tocsin.migration order by id')).slice(-3).map(({ name }) => name);
  /** Ends the session of the migration once the given statement waits, as a crash of its process would. */
  async function killOnceItWaits(statement: string): Promise<void> {
    await eventually(async () =>
      expect(
        await query(`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'tocsin migrate' and wait_event_type = 'Lock' and query like '${statement}%'`),
      ).toHaveLength(1),
    );
  }

  it('is applied once, in its turn, between two transactions', async () => {
    expect((await run()).applied).toEqual(['0901-a-table', '0902-fill-and-index', '0903-all-are-filled']);
    expect([await filled(), await index()]).toEqual([10, [{ valid: true }]]);
    expect(await run()).toMatchObject({ applied: [], functions: expect.arrayContaining(['store-events']) });
  }, 60_000);

  it('comes after the functions when no later migration needs it: it takes long, and alerts are stored meanwhile', async () => {
    writeFileSync(join(folder, '0903-all-are-filled.sql'), 'create table another (n integer)');
    await other.query('set search_path to tocsin');
    await migrate({ connection: { url: fresh.url }, folder: without('0902', '0903') });
    await query('drop function tocsin.redeem_ticket cascade');
    await other.query('begin');
    await other.query('select from numbered where n = 8 for update');
    const running = run();
    await eventually(async () => expect(await filled()).toBe(6));
    expect(await query(`select to_regclass('tocsin.another') is null as missing`)).toEqual([{ missing: false }]);
    expect(await query(`select from pg_proc where proname = 'redeem_ticket'`)).toHaveLength(1);
    await other.query('commit');
    expect((await running).applied).toEqual(['0903-all-are-filled', '0902-fill-and-index']);
  }, 60_000);

  it('is pending and under way for others until it has ended', async () => {
    const state = async () => {
      const { pending, underWay } = await migrationState({ connection: { url: fresh.url }, folder });
      return { pending: pending.map(({ name }) => name), underWay };
    };
    await other.query('set search_path to tocsin');
    await migrate({ connection: { url: fresh.url }, folder: without('0902', '0903') });
    expect(await state()).toEqual({ pending: ['0902-fill-and-index', '0903-all-are-filled'], underWay: false });
    await other.query('begin');
    await other.query('select from numbered where n = 8 for update');
    const running = run();
    await eventually(async () => expect(await filled()).toBe(6));
    expect(await state()).toEqual({ pending: ['0902-fill-and-index', '0903-all-are-filled'], underWay: true });
    await other.query('commit');
    await running;
    expect(await state()).toEqual({ pending: [], underWay: false });
  }, 60_000);

  it('goes on with the chunk at which it was killed', async () => {
    await other.query('set search_path to tocsin');
    await migrate({ connection: { url: fresh.url }, folder: without('0902', '0903') });
    await other.query('begin');
    await other.query('select from numbered where n = 8 for update');
    const killed = expect(run()).rejects.toThrow();
    await killOnceItWaits('with chunk');
    await killed;
    await other.query('commit');
    expect([await filled(), await index()]).toEqual([6, []]);
    expect(await applied()).not.toContain('fill-and-index0000000000902');
    expect((await run()).applied).toEqual(['0902-fill-and-index', '0903-all-are-filled']);
    expect([await filled(), await index()]).toEqual([10, [{ valid: true }]]);
  }, 60_000);

  /** When a statement began that waits for a lock at present. */
  const waitingSince = async (statement: string) =>
    (
      await query(`
        select query_start::text as since, now() - query_start > interval '4 s' as is_long from pg_stat_activity
        where datname = current_database() and application_name = 'tocsin migrate' and wait_event_type = 'Lock' and query like '${statement}%'`)
    )[0];

  it('waits for the end of older transactions to build an index, longer than for anything else', async () => {
    await other.query('set search_path to tocsin');
    await migrate({ connection: { url: fresh.url }, folder: without('0902', '0903') });
    await other.query('begin');
    await other.query('insert into numbered values (11, 5)');
    const running = migrate({ connection: { url: fresh.url }, folder, timeoutMs: 3_000 });
    await eventually(async () =>
      expect(await waitingSince('create index concurrently')).toMatchObject({ is_long: true }),
    );
    await other.query('commit');
    expect((await running).applied).toEqual(['0902-fill-and-index', '0903-all-are-filled']);
    expect(await index()).toEqual([{ valid: true }]);
  }, 60_000);

  it('waits for a row in short turns, because the other rows of its chunk are locked meanwhile', async () => {
    await other.query('set search_path to tocsin');
    await migrate({ connection: { url: fresh.url }, folder: without('0902', '0903') });
    await other.query('begin');
    await other.query('select from numbered where n = 8 for update');
    const running = run();
    const turns = new Set<unknown>();
    await eventually(async () => {
      const waiting = await waitingSince('with chunk');
      if (waiting) turns.add(waiting.since);
      expect(turns.size).toBe(2);
    });
    await other.query('commit');
    expect((await running).applied).toEqual(['0902-fill-and-index', '0903-all-are-filled']);
    expect(await filled()).toBe(10);
  }, 60_000);

  it('builds an index anew that was killed half-built', async () => {
    await other.query('set search_path to tocsin');
    await migrate({ connection: { url: fresh.url }, folder: without('0902', '0903') });
    await other.query('update numbered set half = 0');
    await other.query('begin');
    await other.query('insert into numbered values (11, 5)');
    const killed = expect(run()).rejects.toThrow();
    await killOnceItWaits('create index concurrently');
    await killed;
    await other.query('commit');
    expect(await index()).toEqual([{ valid: false }]);
    expect((await run()).applied).toEqual(['0902-fill-and-index', '0903-all-are-filled']);
    expect(await index()).toEqual([{ valid: true }]);
  }, 60_000);

  it('is run by one of several processes, and the waiting ones do not block its index', async () => {
    const reports = await Promise.all([run(), run(), run()]);
    expect(reports.map((report) => report.applied.length).sort()).toEqual([0, 0, 3]);
    expect(await index()).toEqual([{ valid: true }]);
  }, 60_000);

  it('is refused when one of its statements has no directive', async () => {
    writeFileSync(join(folder, '0904-a-mistake.online.sql'), 'create index concurrently i on numbered (n);');
    await expect(run()).rejects.toThrow(/below a line "-- once" or "-- in chunks"/);
  }, 60_000);

  /** A copy of the folder without some files. */
  function without(...numbers: string[]): string {
    const less = join(parent, 'less');
    cpSync(folder, less, { recursive: true, filter: (file) => !numbers.some((one) => file.includes(`/${one}-`)) });
    return less;
  }
});

describe('a process whose function is missing', () => {
  it.each([
    ['a newer version', (known: number) => known + 1, /migrated by a newer version \(to \d+, this one knows \d+\)/],
    ['an older version', (known: number) => known - 1, /migrated by an older version .* Run npm run migrate/],
    ['another build', (known: number) => known, /migrated by another version/],
  ])(
    'says which one, and that the database was migrated by %s',
    async (_, versionBy, why) => {
      const fresh = await freshDatabase();
      const database = fresh.open('tocsin_gateway');
      try {
        const log = new PostgresEventLog(database);
        expect(await log.heads([aTenant()])).toHaveLength(1);
        await asOwner(
          { url: fresh.url },
          `alter function tocsin.stream_heads rename to stream_heads_of; ${noteVersion(versionBy(newestIn(MIGRATIONS)))}`,
        );
        const failure: unknown = await log.heads([aTenant()]).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(Unavailable);
        expect((failure as Error).message).toMatch(/no function (tocsin\.)?stream_heads as this version calls it/);
        expect((failure as Error).message).toMatch(why);
      } finally {
        await database.close();
        await fresh.drop();
      }
    },
    60_000,
  );
});
