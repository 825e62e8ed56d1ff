import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { runCli } from './run-cli';
import { PlayedTerminal } from './testing/played-terminal';

let database: FreshDatabase;
beforeAll(async () => void (database = await freshDatabase({ migrated: false })));
afterAll(() => database?.drop());

const migrate = async (environment: Record<string, string>) => {
  const terminal = new PlayedTerminal(environment);
  return {
    exitCode: await runCli(['migrate'], terminal),
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
