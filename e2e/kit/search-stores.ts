import type { Redis } from 'ioredis';
import { Leak, type Canaries } from './canaries';
import type { AppProcess } from './processes';

/** How much of a table and of a key space is searched: a test of many entries must not wait for it. */
const MOST_ROWS = 2_000;
const MOST_KEYS = 2_000;

type Sql = <R extends object>(text: string, values?: readonly unknown[]) => Promise<R[]>;

/** Throws a `Leak` that names the table. Each row is searched as text, in one statement for all tables. */
export async function searchTables(sql: Sql, canaries: Canaries): Promise<void> {
  const tables = await sql<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'tocsin'`,
  );
  if (tables.length === 0) return;
  const searches = tables.map(
    ({ name }) =>
      `select '${name}' as name where exists (select from (select * from ${name} limit ${MOST_ROWS}) r where r::text ~ $1)`,
  );
  const [found] = await sql<{ name: string }>(searches.join(' union all '), [canaries.pattern]);
  if (found) throw new Leak('A secret or a token', `the table ${found.name}`);
}

const READ: Record<string, (key: string) => [string, ...(string | number)[]]> = {
  string: (key) => ['get', key],
  hash: (key) => ['hgetall', key],
  set: (key) => ['smembers', key],
  zset: (key) => ['zrange', key, 0, -1],
  list: (key) => ['lrange', key, 0, -1],
  stream: (key) => ['xrange', key, '-', '+', 'COUNT', 1_000],
};

/** Throws a `Leak` that names the beginning of the key. */
export async function searchKeys(redis: Redis, prefix: string, canaries: Canaries): Promise<void> {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1_000);
    keys.push(...found);
    cursor = next;
  } while (cursor !== '0' && keys.length < MOST_KEYS);
  if (keys.length === 0) return;
  const types = await redis.pipeline(keys.map((key) => ['type', key])).exec();
  const reads = keys.flatMap((key, at) => {
    const read = READ[String(types?.[at]?.[1])];
    return read ? [read(key)] : [];
  });
  const values = await redis.pipeline(reads).exec();
  for (const [at, [, key]] of reads.entries())
    canaries.expectNoneIn(
      `${String(key)} ${JSON.stringify(values?.[at]?.[1])}`,
      `the key ${String(key).slice(0, prefix.length + 12)}…`,
    );
}

/** Throws a `Leak` that names the process. One that no longer answers has no metrics. */
export async function searchMetrics(process: AppProcess, canaries: Canaries): Promise<void> {
  if (!process.adminPort) return;
  const answer = await fetch(`${process.adminUrl}/metrics`, { signal: AbortSignal.timeout(1_000) }).catch(
    () => undefined,
  );
  if (answer?.ok) canaries.expectNoneIn(await answer.text(), `the metrics of ${process.describe()}`);
}
