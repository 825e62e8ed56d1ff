import { QueryFailedError } from 'typeorm';
import { Refused, Unavailable } from '@tocsin/contracts';

/**
 * What is to be done about an error: try again here and now, wait, give this input up, or ask the database whether it is
 * well, and let its answer decide between the last two.
 */
type Remedy = 'retry' | 'wait' | 'ask' | 'refuse';

/**
 * The one table of SQLSTATEs, by code or by class; a code wins. What is not listed is the input's fault: data that does
 * not fit (22), a constraint (23), a limit (54). A database that is not as these statements expect it (not migrated, no
 * right, wrong address) is the world's fault: taking it for the input's would turn every alert into a dead letter.
 */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  '40001': 'retry', // serialization failure
  '40P01': 'retry', // deadlock
  '55P03': 'retry', // a lock was not to be had within lock_timeout
  '0A000': 'retry', // a plan made before a migration
  '57014': 'ask', // statement_timeout: a database that is too slow, or a message that keeps it busy
  '25006': 'wait', // read only: a standby, or a primary that has lost its office
  '25P03': 'wait', // the transaction stood idle for too long
  '55000': 'wait', // not in the state for it: starting up, recovering
  '08': 'wait', // connection
  '28': 'wait', // credentials
  '3D': 'wait', // no such database
  '3F': 'wait', // no such schema
  '42': 'wait', // no such table or function, or no right to it
  '53': 'wait', // disk, memory, connections
  '57': 'wait', // shutting down, starting up, terminated
  '58': 'wait', // the system underneath
  XX: 'wait', // internal error, corruption
};

const UNIQUE_VIOLATION = '23505';
const OUR_SCHEMA = 'tocsin';

/** What to do about an error of the driver. Whatever has no SQLSTATE is the connection: cut, refused, or silent. */
export function remedyFor(error: unknown): Remedy {
  const code = sqlStateOf(error);
  if (code === undefined) return 'wait';
  // two sessions made the same row: the second attempt finds it. A constraint of somebody else's will refuse again
  if (code === UNIQUE_VIOLATION) return schemaOf(error) === OUR_SCHEMA ? 'retry' : 'refuse';
  return REMEDIES[code] ?? REMEDIES[code.slice(0, 2)] ?? 'refuse';
}

/** The driver's error as the two that the rest knows. The message says neither values nor addresses; the cause is kept. */
export function translate(error: unknown): Unavailable | Refused {
  if (error instanceof Unavailable || error instanceof Refused) return error;
  const cause = causeOf(error);
  const code = sqlStateOf(cause);
  if (code === undefined) return unreachable(cause);
  // a key that is still taken after every attempt is no race
  if (remedyFor(cause) === 'refuse' || code === UNIQUE_VIOLATION)
    return new Refused('store_failed', `PostgreSQL refused this input (${code})`, { cause });
  return new Unavailable('log', `PostgreSQL: ${cause instanceof Error ? cause.message : 'unknown error'} (${code})`, {
    technology: 'postgres',
    cause,
  });
}

/** Whatever keeps a connection from being had (a missing role, a wrong password) says nothing about any input. */
export function unreachable(error: unknown): Unavailable {
  if (error instanceof Unavailable) return error;
  const cause = causeOf(error);
  const message = cause instanceof Error ? cause.message : 'unknown error';
  const remedy = /unsupported startup parameter/.test(message)
    ? '. This is a pooler: set DB_POOLER=on (docs/pgbouncer.md)'
    : '';
  return new Unavailable('log', `PostgreSQL cannot be reached: ${message}${remedy}`, { technology: 'postgres', cause });
}

/** TypeORM wraps the driver's error together with the statement's parameters, which no log may see. */
export const causeOf = (error: unknown): unknown => (error instanceof QueryFailedError ? error.driverError : error);

/** After these the connection is still good; after any other it is closed rather than handed to the next caller. */
export const leavesConnectionUsable = (error: unknown): boolean => {
  const code = sqlStateOf(causeOf(error));
  return code !== undefined && !code.startsWith('08') && !code.startsWith('57P');
};

function sqlStateOf(error: unknown): string | undefined {
  const cause = causeOf(error);
  const code =
    typeof cause === 'object' && cause !== null && 'severity' in cause && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function schemaOf(error: unknown): unknown {
  const cause = causeOf(error);
  return typeof cause === 'object' && cause !== null && 'schema' in cause ? cause.schema : undefined;
}
