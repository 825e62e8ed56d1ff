import { readFileSync } from 'node:fs';
import type { Client, QueryConfig } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LOCK_WAIT_MS, untilLocked } from './lock-waits';

/** A statement of an online migration. `inChunks`: it is repeated until it changes no row. */
interface OnlineStatement {
  sql: string;
  inChunks: boolean;
}

/**
 * A client timeout longer than any statement takes, in milliseconds: an index of a large table is built for hours. pg
 * would read 0 as its default.
 */
const NO_CLIENT_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * An index that is built or dropped concurrently waits for all transactions that began before it. No other statement
 * waits behind it.
 */
const WAITS_FOR_ALL = /^(create|drop)( unique)? index concurrently\b/im;

const DIRECTIVE = /^-- (once|in chunks)\b.*$/m;

/** Reads the statements of an online migration. Each follows a line that begins with `-- once` or `-- in chunks`. */
export function readOnlineStatements(text: string): OnlineStatement[] {
  const [preamble = '', ...parts] = text.split(DIRECTIVE);
  if (parts.length === 0 || /^(?!\s*(--|$))/m.test(preamble))
    throw new Error('Each statement of an online migration stands below a line "-- once" or "-- in chunks".');
  const statements: OnlineStatement[] = [];
  for (let at = 0; at < parts.length; at += 2)
    statements.push({ inChunks: parts[at] === 'in chunks', sql: parts[at + 1]!.trim() });
  return statements;
}

/**
 * A migration whose statements commit one by one, so that none holds a lock for long: `create index concurrently`, and
 * back-fills in chunks. When it is killed, the next `migrate` begins it again: a statement that runs once must be safe
 * to repeat (`if not exists`), and chunks continue where they stopped. An index that was left half-built is dropped
 * first. The work on an index waits for others without end; any other statement is tried for `timeoutMs`.
 */
export function onlineMigration(name: string, file: string, timeoutMs: number): new () => MigrationInterface {
  return class {
    readonly name = name;
    readonly transaction = false;

    async up(runner: QueryRunner): Promise<void> {
      const client = (await runner.connect()) as Client;
      // pg takes a timeout for one query, although its types do not have it
      const query = (text: string) => client.query({ text, query_timeout: NO_CLIENT_TIMEOUT_MS } as QueryConfig);
      const run = async (sql: string) => {
        const waitsForAll = WAITS_FOR_ALL.test(sql);
        await query(`set lock_timeout to ${waitsForAll ? 0 : LOCK_WAIT_MS}`);
        return waitsForAll ? query(sql) : untilLocked(runner, timeoutMs, () => query(sql));
      };
      await query('set statement_timeout to 0');
      try {
        for (const index of await halfBuiltIndexes(client)) await run(`drop index concurrently ${index}`);
        for (const { sql, inChunks } of readOnlineStatements(readFileSync(file, 'utf8'))) {
          let changed: number | null;
          do ({ rowCount: changed } = await run(sql));
          while (inChunks && changed);
        }
      } finally {
        await query(`set statement_timeout to ${timeoutMs}; set lock_timeout to ${timeoutMs}`).catch(() => undefined);
      }
    }

    down(): Promise<void> {
      throw new Error('Migrations go one way: what was wrong is put right by the next one.');
    }
  };
}

async function halfBuiltIndexes(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    select i.indexrelid::regclass::text as name
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where not i.indisvalid and c.relkind = 'i' and c.relnamespace = 'tocsin'::regnamespace`);
  return rows.map(({ name }) => name);
}
