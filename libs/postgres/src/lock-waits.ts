import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { gotNoLock } from './postgres-errors';

/**
 * How long a statement of a migration waits for a lock, in milliseconds. All other statements on the table wait behind
 * it, even those that the holder of the lock would not disturb: alerts cannot be stored meanwhile.
 */
export const LOCK_WAIT_MS = 2_000;
/** The pause before the next attempt, in milliseconds, in which others have the table. It doubles each time. */
const PAUSE = { firstMs: 500, capMs: 8_000 };

/**
 * Repeats `work` until it gets the locks that it needs. `work` waits for none longer than `LOCK_WAIT_MS`, and has
 * changed nothing when it fails. After `timeoutMs` it throws an error that names the process with the oldest
 * transaction, which a backup often is.
 */
export async function untilLocked<T>(runner: QueryRunner, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (let pauseMs = PAUSE.firstMs; ; pauseMs = Math.min(2 * pauseMs, PAUSE.capMs)) {
    try {
      return await work();
    } catch (error) {
      if (!gotNoLock(error)) throw error;
      if (performance.now() - startedAt + pauseMs > timeoutMs)
        throw new Error(
          `The tables were in use for ${timeoutMs / 1000} s${await oldestHolder(runner)}, and the migration needs them` +
            ' for a moment. Run it again when they are free.',
          { cause: error },
        );
    }
    await sleep(pauseMs);
  }
}

/** Begins a transaction that waits for its locks as `untilLocked` says, and commits what `work` does. */
export const inTransaction = (runner: QueryRunner, timeoutMs: number, work: () => Promise<void>): Promise<void> =>
  untilLocked(runner, timeoutMs, async () => {
    await runner.startTransaction();
    try {
      await runner.query(`set local lock_timeout to ${LOCK_WAIT_MS}`);
      await work();
      await runner.commitTransaction();
    } catch (error) {
      await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  });

/** Of those that hold a lock of the schema at this moment; any of them when the owner may not see when they began. */
async function oldestHolder(runner: QueryRunner): Promise<string> {
  const [holder] = (await runner
    .query(
      `select a.pid, coalesce(nullif(a.application_name, ''), a.usename) as name
       from pg_locks l join pg_class c on c.oid = l.relation join pg_stat_activity a on a.pid = l.pid
       where l.granted and l.database = (select oid from pg_database where datname = current_database())
         and c.relnamespace = 'tocsin'::regnamespace and a.pid <> pg_backend_pid()
       order by a.xact_start limit 1`,
    )
    .catch(() => [])) as { pid: number; name: string }[];
  return holder ? ` by process ${holder.pid} (${holder.name})` : '';
}
