import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '@tocsin/contracts';
import { redact } from '@tocsin/observability';
import { printable, type Terminal } from './terminal';

/** The time between two attempts to reach the database, and between two lines that report them. */
const RETRY_MS = 500;
const SAY_EVERY_MS = 5_000;

/** Works once the database is reachable. After `timeoutMs` it prints the reason and resolves with undefined. */
export async function onceReachable<T>(
  work: () => Promise<T>,
  timeoutMs: number,
  terminal: Terminal,
): Promise<T | undefined> {
  const startedAt = performance.now();
  let saidAt = -Infinity;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      const reason = printable(redact(error.message));
      const waitedMs = performance.now() - startedAt;
      if (waitedMs + RETRY_MS > timeoutMs) {
        terminal.err(
          `The database could not be used within ${Math.round(timeoutMs / 1000)} s (DB_READY_TIMEOUT). ${reason}`,
        );
        return undefined;
      }
      if (waitedMs - saidAt >= SAY_EVERY_MS) {
        terminal.err(`Waiting for the database. ${reason}`);
        saidAt = waitedMs;
      }
      await sleep(RETRY_MS);
    }
  }
}
