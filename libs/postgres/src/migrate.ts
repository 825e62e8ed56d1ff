import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationExecutor, type Migration, type MigrationInterface, type QueryRunner } from 'typeorm';
import { Unavailable } from '@tocsin/contracts';
import type { DatabaseConnection } from './connection';
import { openDataSource } from './database';
import { onlineMigration } from './online-migration';
import { causeOf, translate } from './postgres-errors';
import { createRoles, DEFINER } from './roles';
import { MIGRATIONS, newestIn, noteVersion } from './schema-version';

export interface MigrateOptions {
  /** A connection as the owner of the schema, which creates roles and tables. */
  connection: DatabaseConnection;
  /** How long one statement may take, and how long to wait for a migration in another process; default 10 min. */
  timeoutMs?: number;
  /** The folder of the numbered migrations; default that of this library. */
  folder?: string;
}

/** What a migration did. */
export interface MigrationReport {
  /** The numbered migrations that ran now, in order; empty when all had run before. */
  applied: string[];
  /** The files of functions. Every migration creates them anew, and the views that they use. */
  functions: string[];
}

/**
 * The advisory lock of a migration, the same in every database. The process that holds it migrates, and all others
 * wait.
 */
const MIGRATION_LOCK = 8_662_746;
/**
 * How often waiting processes try to take the lock, in milliseconds. They do not wait in a statement, because its
 * snapshot would block an index that is built concurrently.
 */
const ASK_FOR_LOCK_MS = 100;

/**
 * Brings the schema up to date: numbered migrations once, functions every time. A lock lets ten processes start at
 * once. The migrations and the functions are committed in one transaction. The exception are migrations in
 * `x.online.sql`, which run outside a transaction, after it. A migration with the line `-- needs online` has those
 * before it run in their turn: everything before them is committed first, and the functions belong to the last
 * transaction. Safe to repeat; after a crash the next call resumes. Throws `Unavailable` when the database is away.
 */
export async function migrate({
  connection,
  timeoutMs = 600_000,
  folder = MIGRATIONS,
}: MigrateOptions): Promise<MigrationReport> {
  const migrations = sqlFiles(folder).map((file) => asMigration(file, timeoutMs));
  const limits = { statementTimeoutMs: timeoutMs, lockTimeoutMs: timeoutMs, idleInTransactionTimeoutMs: timeoutMs };
  const source = await openDataSource(
    { connection, poolSize: 1, applicationName: 'tocsin migrate', ...limits },
    { migrations },
  ).catch((error: unknown) => {
    throw translate(error);
  });
  const runner = source.createQueryRunner();
  try {
    await createRoles(runner);
    await takeLock(runner, timeoutMs);
    await runner.query('create schema if not exists tocsin');
    await runner.query('set search_path to tocsin');
    return await bringUpToDate(new MigrationExecutor(source, runner), runner, newestIn(folder));
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    // a migration that fails is a fault of this program: the original error helps to repair it more than a translation
    throw causeOf(error);
  } finally {
    await runner.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await runner.release();
    await source.destroy();
  }
}

async function takeLock(runner: QueryRunner, timeoutMs: number): Promise<void> {
  for (const startedAt = performance.now(); ; await sleep(ASK_FOR_LOCK_MS)) {
    const [{ taken }] = (await runner.query('select pg_try_advisory_lock($1) as taken', [MIGRATION_LOCK])) as [
      { taken: boolean },
    ];
    if (taken) return;
    if (performance.now() - startedAt > timeoutMs)
      throw new Unavailable('log', `Another migration has been under way for ${timeoutMs / 1000} s.`, {
        technology: 'postgres',
      });
  }
}

async function bringUpToDate(
  executor: MigrationExecutor,
  runner: QueryRunner,
  version: number,
): Promise<MigrationReport> {
  const pending = inOrder(await executor.getPendingMigrations());
  const isOnline = (at: number): boolean => pending[at]?.instance?.transaction === false;
  const lastInTransaction = pending.findLastIndex((_, at) => !isOnline(at));
  let functions: string[] | undefined;
  let at = 0;
  do {
    // a transaction for the functions comes first when no migration is pending, or only online migrations
    if (isOnline(at) && (functions || at <= lastInTransaction)) await executor.executeMigration(pending[at++]!);
    else {
      await runner.startTransaction();
      for (; at < pending.length && !isOnline(at); at += 1) await executor.executeMigration(pending[at]!);
      if (at > lastInTransaction) functions = await createFunctions(runner, version);
      await runner.commitTransaction();
    }
  } while (!functions || at < pending.length);
  return { applied: pending.map(({ name }) => readableName(name)), functions };
}

/**
 * Online migrations come last, behind the functions, unless a migration that needs them follows: they take minutes on a
 * large database, in which the functions of the version before would run on the tables of this one.
 */
function inOrder(pending: Migration[]): Migration[] {
  const isOnline = ({ instance }: Migration): boolean => instance?.transaction === false;
  const needing = pending.findLastIndex(
    ({ instance }) => (instance as { needsOnline?: boolean } | undefined)?.needsOnline,
  );
  const free = pending.slice(needing + 1);
  return [
    ...pending.slice(0, needing + 1),
    ...free.filter((one) => !isOnline(one)),
    ...free.filter((one) => isOnline(one)),
  ];
}

async function createFunctions(runner: QueryRunner, version: number): Promise<string[]> {
  const files = sqlFiles(join(__dirname, 'functions'));
  const views = sqlFiles(join(__dirname, 'views'));
  // a role can become the owner of a function only while it may create in the schema
  await runner.query(`grant create on schema tocsin to ${DEFINER}`);
  await runner.query(DROP_FUNCTIONS);
  for (const file of [...views, ...files]) await runner.query(readFileSync(file, 'utf8'));
  await runner.query(`revoke create on schema tocsin from ${DEFINER}`);
  await runner.query(noteVersion(version));
  return files.map((file) => basename(file, '.sql'));
}

/**
 * Drops all functions and views before they are created again. `create or replace` cannot change the result of a
 * function or the columns of a view, and keeps those that no longer have a file. Callers see the old ones until all of
 * this is committed. Aggregates go first, because they depend on functions. Views go last, because functions depend on
 * them; a view may depend on another view.
 */
const DROP_FUNCTIONS = `
do $$
declare
  routine record;
  relation record;
begin
  for routine in select oid::regprocedure as name from pg_proc where pronamespace = 'tocsin'::regnamespace order by prokind <> 'a' loop
    execute format('drop routine %s', routine.name);
  end loop;
  for relation in select oid::regclass as name from pg_class where relnamespace = 'tocsin'::regnamespace and relkind = 'v' order by oid desc loop
    execute format('drop view %s', relation.name);
  end loop;
end $$`;

const sqlFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => join(folder, name));

/** TypeORM orders and records migrations by a name that ends in thirteen digits, such as `the-log0000000000001`. */
function asMigration(file: string, timeoutMs: number): new () => MigrationInterface {
  const [, number, words, online] = /^(\d+)-(.+?)(\.online)?\.sql$/.exec(basename(file))!;
  const name = `${words}${number!.padStart(13, '0')}`;
  if (online) return onlineMigration(name, file, timeoutMs);
  return class {
    readonly name = name;
    readonly needsOnline = /^-- needs online$/m.test(readFileSync(file, 'utf8'));
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(readFileSync(file, 'utf8'));
    }
    down(): Promise<void> {
      throw new Error('Migrations go one way: what was wrong is put right by the next one.');
    }
  };
}

const readableName = (name: string): string => `${name.slice(-13).replace(/^0+(?=\d{4})/, '')}-${name.slice(0, -13)}`;
