import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MigrationExecutor, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { DatabaseConnection } from './connection';
import { openDataSource } from './database';
import { causeOf, translate } from './postgres-errors';
import { createRoles, DEFINER } from './roles';

export interface MigrateOptions {
  /** As the owner of the schema: it creates roles and tables. */
  connection: DatabaseConnection;
  /** How long one statement may take, and how long to wait for another migration that is under way; default 10 min. */
  timeoutMs?: number;
}

/** What a migration did. */
export interface MigrationReport {
  /** The numbered migrations that ran now, in order; none when all had run before. */
  applied: string[];
  /** The functions' files, re-created by every migration, as the views are that they stand on. */
  functions: string[];
}

/** The same number in every database: whoever holds it migrates, everybody else waits. */
const MIGRATION_LOCK = 8_662_746;

/**
 * Brings the schema up to date: numbered migrations once, functions every time, in one transaction and under a lock, so
 * that ten processes may start at once. Safe to repeat. Throws `Unavailable` when the database is away.
 */
export async function migrate({ connection, timeoutMs = 600_000 }: MigrateOptions): Promise<MigrationReport> {
  const migrations = sqlFiles('migrations').map(asMigration);
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
    await runner.startTransaction();
    await runner.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await runner.query('create schema if not exists tocsin');
    await runner.query('set local search_path to tocsin');
    const applied = await new MigrationExecutor(source, runner).executePendingMigrations();
    const functions = await createFunctions(runner);
    await runner.commitTransaction();
    return { applied: applied.map(({ name }) => readableName(name)), functions };
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    // a migration that fails is a fault of this program: its own words, not a translation, help whoever repairs it
    throw causeOf(error);
  } finally {
    await runner.release();
    await source.destroy();
  }
}

async function createFunctions(runner: QueryRunner): Promise<string[]> {
  const files = sqlFiles('functions');
  const views = sqlFiles('views');
  // an owner of functions must be allowed to create in their schema at the moment when it becomes their owner
  await runner.query(`grant create on schema tocsin to ${DEFINER}`);
  await runner.query(DROP_FUNCTIONS);
  for (const file of [...views, ...files]) await runner.query(readFileSync(file, 'utf8'));
  await runner.query(`revoke create on schema tocsin from ${DEFINER}`);
  return files.map((file) => basename(file, '.sql'));
}

/**
 * `create or replace` cannot change what a function returns or a view's columns, and leaves behind what is no longer there. Whoever
 * calls one meanwhile sees the old ones until all of this is committed. Aggregates go first: they stand on functions. Views go
 * last: functions stand on them, and one view may stand on another.
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
  readdirSync(join(__dirname, folder))
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => join(__dirname, folder, name));

/** TypeORM orders and remembers migrations by a name that ends in thirteen digits: `the-log0000000000001`. */
function asMigration(file: string): new () => MigrationInterface {
  const [, number, words] = /^(\d+)-(.+)$/.exec(basename(file, '.sql'))!;
  return class {
    readonly name = `${words}${number!.padStart(13, '0')}`;
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(readFileSync(file, 'utf8'));
    }
    down(): Promise<void> {
      throw new Error('Migrations go one way: what was wrong is put right by the next one.');
    }
  };
}

const readableName = (name: string): string => `${name.slice(-13).replace(/^0+(?=\d{4})/, '')}-${name.slice(0, -13)}`;
