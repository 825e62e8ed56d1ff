import { randomBytes } from 'node:crypto';
import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { asOwner, freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { runCli } from './run-cli';
import { PlayedTerminal } from './testing/played-terminal';

let database: FreshDatabase;
beforeAll(async () => void (database = await freshDatabase({ migrated: false })));
afterAll(() => database?.drop());

const migrate = async (environment: Record<string, string>, ...args: string[]) => {
  const terminal = new PlayedTerminal(environment);
  return {
    exitCode: await runCli(['migrate', ...args], terminal),
    out: terminal.stdout.join('\n'),
    err: terminal.stderr.join('\n'),
  };
};

test('it migrates, says what it did, and can be repeated', async () => {
  expect(await migrate({ DATABASE_URL: database.url })).toEqual({
    exitCode: 0,
    out: expect.stringMatching(/^[1-9]\d* migrations? applied: 0001 the log.* · [1-9]\d* functions$/),
    err: '',
  });
  expect(await migrate({ DATABASE_URL: database.url })).toEqual({
    exitCode: 0,
    out: expect.stringMatching(/^up to date, no migration to apply · [1-9]\d* functions$/),
    err: '',
  });
});

test('DATABASE_MIGRATION_URL goes before DATABASE_URL, and the DB_ settings make an address', async () => {
  expect(
    await migrate({ DATABASE_MIGRATION_URL: database.url, DATABASE_URL: 'postgresql://nobody:hush@127.0.0.1:9/none' }),
  ).toMatchObject({ exitCode: 0 });
  const { hostname, port, username, password, pathname } = new URL(database.url);
  const parts = {
    DB_HOST: hostname,
    DB_PORT: port || '5432',
    DB_NAME: pathname.slice(1),
    DB_USER: decodeURIComponent(username),
    DB_PASS: decodeURIComponent(password),
  };
  expect(await migrate(parts)).toMatchObject({ exitCode: 0 });
});

test('a database that stays away is waited for, then given up with a sentence', async () => {
  const { exitCode, out, err } = await migrate({
    DATABASE_URL: 'postgresql://owner:hush@127.0.0.1:9/tocsin',
    DB_READY_TIMEOUT: '1200',
  });
  expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
  expect(err).toMatch(
    /^Waiting for the database\. .+\nThe database could not be used within 1 s \(DB_READY_TIMEOUT\)\. .+$/,
  );
  expect(err).not.toContain('hush');
});

test('a database that comes late is waited for, and migrated once it is there', async () => {
  const proxy = await FaultProxy.to(database.url);
  proxy.refuse();
  const terminal = new PlayedTerminal({ DATABASE_URL: proxy.via(database.url) });
  const running = runCli(['migrate'], terminal);
  await eventually(() => expect(terminal.stderr).toEqual([expect.stringMatching(/^Waiting for the database\. /)]));
  proxy.refuse(false);
  expect(await running).toBe(0);
  expect(terminal.stdout).toEqual([expect.stringMatching(/ functions$/)]);
  await proxy.close();
});

/** The migrations that build an index while the system runs. */
const ONLINE = [
  '0029-resolved-order',
  '0037-ended-notifications',
  '0041-revocations-of-a-user',
  '0042-revocations-of-sessions',
];

describe('before and in between', () => {
  let fresh: FreshDatabase;
  let environment: { DATABASE_URL: string };
  beforeEach(async () => {
    fresh = await freshDatabase({ migrated: false });
    environment = { DATABASE_URL: fresh.url };
  });
  afterEach(() => fresh.drop());

  const json = async (...args: string[]) => {
    const { exitCode, out, err } = await migrate(environment, ...args, '--json');
    expect(err).toBe('');
    return { exitCode, said: JSON.parse(out) as Record<string, unknown> };
  };
  const objects = () =>
    asOwner({ url: fresh.url }, `select from pg_namespace where nspname = 'tocsin'`).then((rows) => rows.length);

  test('status and --dry-run change nothing, and status exits with 1 as long as migrate has something to do', async () => {
    expect(await migrate(environment, 'status')).toEqual({
      exitCode: 1,
      out: expect.stringMatching(
        /^The database was never migrated, this version needs \d+: run migrate\.\n\d+ migrations to apply:\n {2}0001 the log\n[^]*\n {2}0029 resolved order \(online\)\n/,
      ),
      err: '',
    });
    expect(await migrate(environment, '--dry-run')).toEqual({
      exitCode: 0,
      out: expect.stringMatching(
        /^This would run, and nothing has:\n1\. in one transaction: 0001 the log, [^\n]* 0032 [^\n]*, \d+ functions and their views anew\n2\. online, each statement by itself: 0029 resolved order\n3\. online, each statement by itself: 0037 ended notifications\n4\. online, each statement by itself: 0041 revocations of a user\n5\. online, each statement by itself: 0042 revocations of sessions$/,
      ),
      err: '',
    });
    expect(await objects()).toBe(0);

    expect(await migrate(environment)).toMatchObject({ exitCode: 0 });
    expect(await migrate(environment, 'status')).toEqual({
      exitCode: 0,
      out: expect.stringMatching(/^The database is migrated to (\d+), this version needs \1: nothing is to be done\.$/),
      err: '',
    });
  });

  test('--dry-run --json names the steps that migrate --json reports as done', async () => {
    const { said: planned } = await json('--dry-run');
    const steps = planned.steps as { migrations: string[]; functions: number }[];
    const { exitCode, said } = await json();
    expect(exitCode).toBe(0);
    expect(said).toEqual({
      applied: steps.flatMap(({ migrations }) => migrations),
      functions: steps.reduce((sum, { functions }) => sum + functions, 0),
      left: [],
      unknown: [],
    });
    expect(said.functions).toBeGreaterThan(20);
    expect(await json('--dry-run')).toMatchObject({
      exitCode: 0,
      said: { dry_run: true, steps: [{ online: false, migrations: [], functions: said.functions }], left: [] },
    });
  });

  test('--to stops after a migration, says what is left, and does not go back', async () => {
    const { said: planned } = await json('--to', '28', '--dry-run');
    expect(await objects()).toBe(0);
    const { exitCode, said } = await json('--to', '28');
    expect(exitCode).toBe(0);
    expect((said.applied as string[]).at(-1)).toBe('0027-assigned-by-acknowledging');
    expect(said).toMatchObject({ functions: 0, left: planned.left });
    expect(planned.steps).toEqual([{ online: false, migrations: said.applied, functions: 0 }]);
    expect(await json('status')).toMatchObject({
      exitCode: 1,
      said: {
        database_version: 28,
        up_to_date: false,
        applied: said.applied,
        pending: (said.left as string[]).map((name) => ({ name, online: ONLINE.includes(name) })),
      },
    });
    const refusal = /^It did not work: Migrations go one way: 0027-\S+ has run already\.$/;
    for (const args of [
      ['--to', '9'],
      ['--to', '9', '--dry-run'],
    ])
      expect(await migrate(environment, ...args)).toEqual({
        exitCode: 1,
        out: '',
        err: expect.stringMatching(refusal),
      });
    expect((await json()).said).toMatchObject({ left: [] });
    expect(await json('status')).toMatchObject({ exitCode: 0, said: { up_to_date: true, pending: [] } });
  });

  test('a database that a newer version has migrated needs nothing, and migrate takes back none of its functions', async () => {
    await migrate(environment);
    await asOwner(
      { url: fresh.url },
      `insert into tocsin.migration (timestamp, name) values (9001, 'of-tomorrow0000000009001');
       comment on schema tocsin is 'migrated to 9001';
       create function tocsin.of_tomorrow() returns integer language sql as 'select 1'`,
    );
    expect(await json('status')).toMatchObject({
      exitCode: 0,
      said: { database_version: 9001, up_to_date: true, unknown: ['9001-of-tomorrow'] },
    });
    expect((await migrate(environment, 'status')).out).toContain('A newer version has migrated it: 9001 of tomorrow.');
    const functions = () =>
      asOwner({ url: fresh.url }, `select oid from pg_proc where pronamespace = 'tocsin'::regnamespace order by oid`);
    const before = await functions();
    expect(await migrate(environment, '--dry-run')).toEqual({
      exitCode: 0,
      out: 'Nothing would run.\n' + 'A newer version has migrated this database (9001 of tomorrow): it stays as it is.',
      err: '',
    });
    expect(await migrate(environment)).toEqual({
      exitCode: 0,
      out: 'A newer version has migrated this database (9001 of tomorrow): nothing was changed',
      err: '',
    });
    expect(await functions()).toEqual(before);
    expect(await json('status')).toMatchObject({ said: { database_version: 9001 } });
  });

  test('a login that may not read the record is told which one may, without waiting', async () => {
    await migrate(environment);
    const role = `tocsin_reader_${randomBytes(4).toString('hex')}`;
    await asOwner({ url: fresh.url }, `create role ${role} login password 'reader'`);
    try {
      const url = Object.assign(new URL(fresh.url), { username: role, password: 'reader' }).toString();
      expect(await migrate({ DATABASE_URL: url }, 'status')).toEqual({
        exitCode: 1,
        out: '',
        err: expect.stringMatching(/^It did not work: This login may not read which migrations ran/),
      });
    } finally {
      await asOwner({ url: fresh.url }, `drop role ${role}`);
    }
  });
});
