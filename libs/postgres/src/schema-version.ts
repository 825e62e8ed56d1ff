import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Unavailable } from '@tocsin/contracts';
import { causeOf } from './postgres-errors';

/** The folder of the numbered migrations. */
export const MIGRATIONS = join(__dirname, 'migrations');

/** The number of a migration's file: `0001` of `0001-the-log.sql`. */
const numberOf = (name: string): number => Number(/^\d+/.exec(name)?.[0] ?? 0);

/** The number of the newest migration in a folder. */
export const newestIn = (folder: string): number => Math.max(0, ...readdirSync(folder).map(numberOf));

/**
 * A statement with which `migrate` records the version where every role can read it; an app may not read the table of
 * migrations.
 */
export const noteVersion = (version: number): string => `comment on schema tocsin is 'migrated to ${version}'`;

/** Reads the recorded version; null when an earlier `migrate` recorded none. */
export const READ_VERSION = `
  select substring(obj_description(to_regnamespace('tocsin'), 'pg_namespace') from 'migrated to (\\d+)')::integer as version`;

/** The name of the function that a statement called and the database does not have; undefined for any other error. */
export function missingFunction(error: unknown): string | undefined {
  const cause = causeOf(error);
  if (!(cause instanceof Error) || !('code' in cause) || cause.code !== '42883') return undefined;
  return /((?:\w+\.)?\w+)\(/.exec(cause.message)?.[1];
}

/** The error for a missing function. It says whether this process or its database must be updated. */
export function functionIsGone(name: string, version: number | null, cause: unknown): Unavailable {
  const ours = newestIn(MIGRATIONS);
  const why =
    version === null || version === ours
      ? 'the database was migrated by another version. Run the version that migrated it, or npm run migrate of this one'
      : version > ours
        ? `the database was migrated by a newer version (to ${version}, this one knows ${ours}). Run that version`
        : `the database was migrated by an older version (to ${version}, this one needs ${ours}). Run npm run migrate`;
  return new Unavailable('log', `PostgreSQL has no function ${name} as this version calls it: ${why}.`, {
    technology: 'postgres',
    cause: causeOf(cause),
  });
}
