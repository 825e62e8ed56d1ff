import { Client } from 'pg';
import { clientConfig, type DatabaseConnection } from './connection';
import { readableName, readMigrations, type NumberedMigration } from './migration-files';
import { translate, unreachable } from './postgres-errors';
import { MIGRATIONS, newestIn, READ_VERSION } from './schema-version';

/**
 * The advisory lock of a migration, the same in every database. The process that holds it migrates, and all others
 * wait.
 */
export const MIGRATION_LOCK = 8_662_746;

const CONNECT_WITHIN_MS = 5_000;
const ANSWER_WITHIN_MS = 30_000;

/** How far a database is migrated, compared with the migrations of this version. */
export interface MigrationState {
  /** The newest migration of this version. */
  version: number;
  /** The version whose functions the database has; null when none is recorded: an empty or a very old database. */
  databaseVersion: number | null;
  /** The names of the migrations that ran, by their numbers. */
  applied: string[];
  /** Those of this version that have not run, by their numbers. */
  pending: NumberedMigration[];
  /** The names of those that ran and that this version does not know: the database is newer. */
  unknown: string[];
  /** Whether a process migrates the database at this moment. */
  underWay: boolean;
}

/**
 * Reads how far a database is migrated. It changes nothing and waits for no lock. Throws `Unavailable` when the
 * database is away, and an error when the login may not read the record of migrations, which only the schema's owner
 * may.
 */
export async function migrationState({
  connection,
  folder = MIGRATIONS,
}: {
  connection: DatabaseConnection;
  folder?: string;
}): Promise<MigrationState> {
  const client = new Client({
    ...clientConfig(connection, undefined),
    application_name: 'tocsin migrate status',
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect().catch((error: unknown) => {
      throw unreachable(error);
    });
    const read = async <Row extends object>(sql: string) => (await client.query<Row>(sql)).rows;
    const [found] = await read<Found>(FOUND);
    if (found!.readable === false) throw new Error(NOT_THE_OWNER);
    const records = found!.readable ? await read<{ name: string }>('select name from tocsin.migration') : [];
    return compare(
      readMigrations(folder),
      records.map(({ name }) => name),
      { ...found!, version: newestIn(folder) },
    );
  } catch (error) {
    throw error instanceof Error && error.message === NOT_THE_OWNER ? error : translate(error);
  } finally {
    void client.end().catch(() => undefined);
  }
}

interface Found {
  /** Null: there is no record of migrations. */
  readable: boolean | null;
  databaseVersion: number | null;
  underWay: boolean;
}

const FOUND = `
  select (select has_table_privilege(c.oid, 'select') and has_schema_privilege(n.oid, 'usage')
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'tocsin' and c.relname = 'migration') as readable,
         (${READ_VERSION}) as "databaseVersion",
         exists (select from pg_locks where locktype = 'advisory' and objid = ${MIGRATION_LOCK} and granted
                 and database = (select oid from pg_database where datname = current_database())) as "underWay"`;

const NOT_THE_OWNER =
  "This login may not read which migrations ran: use that of the schema's owner (DATABASE_MIGRATION_URL).";

function compare(
  known: readonly NumberedMigration[],
  records: readonly string[],
  { databaseVersion, underWay, version }: Found & { version: number },
): MigrationState {
  const ran = new Set(records);
  const names = new Set(known.map(({ recordedAs }) => recordedAs));
  return {
    version,
    databaseVersion,
    applied: records.map(readableName).sort(),
    pending: known.filter(({ recordedAs }) => !ran.has(recordedAs)),
    unknown: records
      .filter((name) => !names.has(name))
      .map(readableName)
      .sort(),
    underWay,
  };
}
