import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '@tocsin/contracts';
import { redact } from '@tocsin/observability';
import { migrate as migrateDatabase, migrationUrlOf, type MigrationReport } from '@tocsin/postgres';
import type { Command } from './command';
import { loadMigrateConfig, migrateSettings } from './config';
import { printable, type Terminal } from './terminal';

/** The time between two attempts to reach the database, and between two lines that report them. */
const RETRY_MS = 500;
const SAY_EVERY_MS = 5_000;

export const migrate: Command<Record<string, never>> = {
  name: 'migrate',
  purpose: 'brings the database up to date',
  about:
    'Runs the numbered migrations that have not run yet, and creates the functions again. All of it runs ' +
    'in one transaction under a lock, except for steps that cannot run in a transaction. It is safe to ' +
    'repeat, even at the same time. It needs the owner of the schema, who may create roles.',
  options: {},
  examples: ['DATABASE_URL=postgresql://tocsin:secret@localhost:5432/tocsin npm run migrate'],
  settings: migrateSettings,

  async run(_given, terminal) {
    const config = loadMigrateConfig(terminal.environment);
    const report = await migrateOnceReachable(migrationUrlOf(config)!, config.DB_READY_TIMEOUT, terminal);
    if (!report) return 1;
    terminal.out(inWords(report));
    return 0;
  },
};

/** Tries until the database is reachable. After `timeoutMs` it prints the reason and resolves with undefined. */
async function migrateOnceReachable(
  url: string,
  timeoutMs: number,
  terminal: Terminal,
): Promise<MigrationReport | undefined> {
  const startedAt = performance.now();
  let saidAt = -Infinity;
  for (;;) {
    try {
      return await migrateDatabase({ connection: { url } });
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

/** "1 migration applied: 0001 the log · 9 functions" */
function inWords({ applied, functions }: MigrationReport): string {
  const names = applied.map((name) => name.replaceAll('-', ' ')).join(', ');
  const migrations =
    applied.length === 0
      ? 'up to date, no migration to apply'
      : `${applied.length} ${applied.length === 1 ? 'migration' : 'migrations'} applied: ${names}`;
  return `${migrations} · ${functions.length} functions`;
}
