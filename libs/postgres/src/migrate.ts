import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationExecutor, type Migration, type MigrationInterface, type QueryRunner } from 'typeorm';
import { Unavailable } from '@tocsin/contracts';
import type { DatabaseConnection } from './connection';
import { openDataSource } from './database';
import { inTransaction } from './lock-waits';
import { readableName, readMigrations, sqlFiles, type NumberedMigration } from './migration-files';
import { MIGRATION_LOCK } from './migration-state';
import { stepsOf } from './migration-steps';
import { onlineMigration } from './online-migration';
import { causeOf, translate } from './postgres-errors';
import { createRoles, DEFINER } from './roles';
import { MIGRATIONS, newestIn, noteVersion } from './schema-version';

export interface MigrateOptions {
  /** A connection as the owner of the schema, which creates roles and tables. */
  connection: DatabaseConnection;
  /**
   * How long one statement may take, how long to wait for a migration in another process, and how long to try for the
   * locks of one step; default 10 min.
   */
  timeoutMs?: number;
  /** The folder of the numbered migrations; default that of this library. */
  folder?: string;
  /**
   * The number of the last migration that runs; default the newest. Below the newest, functions and views stay as they
   * are: those of this version fit only when all migrations have run. Then no version is sure to work until the rest is
   * migrated, and the apps of this one refuse to start.
   */
  to?: number;
}

/** What a migration did. */
export interface MigrationReport {
  /** The numbered migrations that ran now, in order; empty when all had run before. */
  applied: string[];
  /** The files of functions. Every migration creates them anew, and the views that they use; empty with `to`. */
  functions: string[];
  /** The migrations that were left out because of `to`, by their numbers. */
  left: string[];
  /** The migrations of a newer version that have run. If there are any, nothing was changed. */
  newer: string[];
}

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
 * transaction. Safe to repeat; after a crash the next call resumes. A transaction that waits for a lock longer than two
 * seconds is rolled back and tried again, so that alerts are stored while a backup reads the tables.
 *
 * A database that a newer version has migrated stays as it is: the functions of this version would replace those that
 * the processes of the newer one call.
 *
 * Throws `Unavailable` when the database is away, and an error when a migration after `to` has run already (migrations
 * go one way), or when a lock was held by others for all of `timeoutMs`.
 */
export async function migrate({
  connection,
  timeoutMs = 600_000,
  folder = MIGRATIONS,
  to = newestIn(folder),
}: MigrateOptions): Promise<MigrationReport> {
  const numbered = readMigrations(folder);
  const migrations = numbered.map((one) => asMigration(one, timeoutMs));
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
    return await bringUpToDate(new MigrationExecutor(source, runner), runner, numbered, { to, timeoutMs });
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
  numbered: readonly NumberedMigration[],
  { to, timeoutMs }: { to: number; timeoutMs: number },
): Promise<MigrationReport> {
  const pending = new Map((await executor.getPendingMigrations()).map((one) => [one.name, one]));
  const due = numbered.filter(({ recordedAs }) => pending.has(recordedAs));
  const version = numbered.at(-1)?.number ?? 0;
  const complete = to >= version;
  const beyond = namesBeyond(await executor.getExecutedMigrations(), complete ? version : to);
  const report: MigrationReport = { applied: [], functions: [], left: [], newer: [] };
  if (complete && beyond.length > 0) return { ...report, newer: beyond };
  if (beyond.length > 0) throw new Error(`Migrations go one way: ${beyond.at(-1)} has run already.`);
  const steps = stepsOf(complete ? due : due.filter(({ number }) => number <= to), { complete });
  for (const { isOnline, migrations, functions } of steps) {
    const apply = async () => {
      for (const { recordedAs } of migrations) await executor.executeMigration(pending.get(recordedAs)!);
      if (functions) report.functions = await createFunctions(runner, version);
    };
    await (isOnline ? apply() : inTransaction(runner, timeoutMs, apply));
    report.applied.push(...migrations.map(({ name }) => name));
  }
  // `steps` may end with an online migration, so this is a statement of its own
  if (!complete && steps.length > 0) await runner.query(noteVersion(to));
  report.left = due.map(({ name }) => name).filter((name) => !report.applied.includes(name));
  return report;
}

/** The executed migrations after a number, by their numbers. */
const namesBeyond = (executed: readonly Migration[], number: number): string[] =>
  executed
    .map(({ name }) => readableName(name))
    .filter((name) => parseInt(name, 10) > number)
    .sort();

/** The files of functions, which every complete migration creates anew. */
export const functionFiles = (): string[] => sqlFiles(join(__dirname, 'functions'));

async function createFunctions(runner: QueryRunner, version: number): Promise<string[]> {
  const files = functionFiles();
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

function asMigration(
  { recordedAs, file, isOnline }: NumberedMigration,
  timeoutMs: number,
): new () => MigrationInterface {
  if (isOnline) return onlineMigration(recordedAs, file, timeoutMs);
  return class {
    readonly name = recordedAs;
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(readFileSync(file, 'utf8'));
    }
    down(): Promise<void> {
      throw new Error('Migrations go one way: what was wrong is put right by the next one.');
    }
  };
}
