import { QueryFailedError } from 'typeorm';
import { QueueFull, Refused, Unavailable } from '@tocsin/contracts';

/**
 * What to do about an error:
 * - `retry`: try again here and now.
 * - `wait`: the database is at fault; it is `Unavailable`.
 * - `refuse`: this input is at fault.
 * - `ask`: ask the database whether it is well, and choose between `wait` and `refuse` by the result.
 */
type Remedy = 'retry' | 'wait' | 'ask' | 'refuse';

/** A session keeps a plan or a statement that it made before a migration. */
const OLD_PLAN = '0A000';

/**
 * The only table of SQLSTATEs, by code or by class; a code has precedence. States that are not listed are the input's
 * fault: data that does not fit (22), a constraint (23), a limit (54). A database that these statements do not fit (not
 * migrated, no right, wrong address) is not the input's fault: otherwise every alert would become a dead letter.
 */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  '40001': 'retry', // serialization failure
  '40P01': 'retry', // deadlock
  '55P03': 'retry', // a lock was not available within lock_timeout
  [OLD_PLAN]: 'retry',
  '57014': 'ask', // statement_timeout: either the database is too slow, or a message keeps it busy
  '25006': 'wait', // read only: a standby, or a former primary
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

/**
 * What to do about an error of the driver. An error without a SQLSTATE comes from the connection: it was cut or
 * refused, or it is silent.
 */
export function remedyFor(error: unknown): Remedy {
  const code = sqlStateOf(error);
  if (code === undefined) return 'wait';
  // two sessions inserted the same row: the second attempt finds it. A constraint of another schema will refuse again
  if (code === UNIQUE_VIOLATION) return schemaOf(error) === OUR_SCHEMA ? 'retry' : 'refuse';
  return REMEDIES[code] ?? REMEDIES[code.slice(0, 2)] ?? 'refuse';
}

/** Whether a statement failed because of the locks of others: it waited too long, or in a circle. */
export const gotNoLock = (error: unknown): boolean => ['55P03', '40P01'].includes(sqlStateOf(error) ?? '');

/**
 * Translates an error of the driver to `Unavailable` or `Refused`. The message holds neither values nor addresses; the
 * cause is kept.
 */
export function translate(error: unknown): Unavailable | Refused {
  if (error instanceof Unavailable || error instanceof Refused) return error;
  const cause = causeOf(error);
  const code = sqlStateOf(cause);
  if (code === undefined) return unreachable(cause);
  // a key that is still taken after every attempt is not a race
  if (remedyFor(cause) === 'refuse' || code === UNIQUE_VIOLATION)
    return new Refused('store_failed', `PostgreSQL refused this input (${code})`, { cause });
  return new Unavailable('log', `PostgreSQL: ${cause instanceof Error ? cause.message : 'unknown error'} (${code})`, {
    technology: 'postgres',
    cause,
  });
}

/**
 * Translates an error that prevented a connection (a missing role, a wrong password). It says nothing about any input.
 */
export function unreachable(error: unknown): Unavailable {
  if (error instanceof Unavailable) return error;
  const cause = causeOf(error);
  const message = cause instanceof Error ? cause.message : 'unknown error';
  const remedy = /unsupported startup parameter/.test(message)
    ? '. This is a pooler: set DB_POOLER=on (docs/pgbouncer.md)'
    : '';
  return new Unavailable('log', `PostgreSQL cannot be reached: ${message}${remedy}`, { technology: 'postgres', cause });
}

/** How the inbox refuses what exceeds its bound, in functions/inbox.sql. */
const INBOX_IS_FULL = '53400';
const DISK_IS_FULL = '53100';

/** Translates a translated error of the inbox: there the database is the queue. */
export function asQueueError(error: unknown): unknown {
  if (!(error instanceof Unavailable)) return error;
  const { message, since, cause } = error;
  const code = sqlStateOf(cause);
  if (code === INBOX_IS_FULL || code === DISK_IS_FULL) return new QueueFull('postgres', message, { cause });
  return new Unavailable('queue', message, { technology: 'postgres', cause, since });
}

/** Unwraps an error of the driver. TypeORM adds the parameters of the statement, which must not be logged. */
export const causeOf = (error: unknown): unknown => (error instanceof QueryFailedError ? error.driverError : error);

/**
 * Whether the connection can be used again after this error. If not, it is closed and no caller gets it. A statement
 * that a session keeps from before a migration would fail there again.
 */
export const leavesConnectionUsable = (error: unknown): boolean => {
  const code = sqlStateOf(causeOf(error));
  return code !== undefined && code !== OLD_PLAN && !code.startsWith('08') && !code.startsWith('57P');
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
