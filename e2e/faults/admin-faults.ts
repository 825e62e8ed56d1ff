import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Runs one command on a Redis, as an operator would. */
async function onRedis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** Ends every subscribing connection. Resolves to their number. */
export const killSubscribers = (redisUrl: string): Promise<number> =>
  onRedis(redisUrl, async (client) => Number(await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')));

/** The server accepts commands but answers none for this time. */
export const pauseRedis = (redisUrl: string, ms: number): Promise<void> =>
  onRedis(redisUrl, async (client) => void (await client.call('CLIENT', 'PAUSE', String(ms), 'ALL')));

/** How many connections are subscribed to a topic. */
export const subscribersOf = (redisUrl: string, topic: string): Promise<number> =>
  onRedis(redisUrl, async (client) => Number(((await client.call('PUBSUB', 'NUMSUB', topic)) as unknown[])[1]));

/** Runs SQL in the server's `postgres` database instead of the given one. */
async function besideDatabase<T>(databaseUrl: string, work: (client: Client, name: string) => Promise<T>): Promise<T> {
  const url = new URL(databaseUrl);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const client = new Client({ connectionString: url.href, query_timeout: 60_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client, name);
  } finally {
    await client.end();
  }
}

/** Ends the sessions of a database whose application name matches (SQL `like`). Resolves to their number. */
export const terminateSessions = (databaseUrl: string, applicationName = '%'): Promise<number> =>
  besideDatabase(databaseUrl, async (client, name) => {
    const { rowCount } = await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name like $2',
      [name, applicationName],
    );
    return rowCount ?? 0;
  });

/**
 * A copy of a database, like a backup, and its restore while clients are connected. Taking and restoring end every
 * session of the database, and keep new ones out for a moment.
 */
export class DatabaseSnapshot {
  private constructor(
    private readonly databaseUrl: string,
    private readonly copy: string,
  ) {}

  static async take(databaseUrl: string): Promise<DatabaseSnapshot> {
    const copy = `tocsin_snapshot_${randomBytes(6).toString('hex')}`;
    await withNobodyIn(databaseUrl, (client, name) => client.query(`create database ${copy} template ${name}`));
    return new DatabaseSnapshot(databaseUrl, copy);
  }

  /** Puts the database back to the copy. May be called repeatedly. */
  async restore(): Promise<void> {
    await withNobodyIn(this.databaseUrl, async (client, name) => {
      await client.query(`drop database ${name}`);
      await client.query(`create database ${name} template ${this.copy} allow_connections false`);
    });
  }

  remove(): Promise<void> {
    return besideDatabase(
      this.databaseUrl,
      async (client) => void (await client.query(`drop database if exists ${this.copy}`)),
    );
  }
}

/** A database can be copied or dropped only while it has no sessions. */
function withNobodyIn(databaseUrl: string, work: (client: Client, name: string) => Promise<unknown>): Promise<void> {
  return besideDatabase(databaseUrl, async (client, name) => {
    await client.query(`alter database ${name} with allow_connections false`);
    try {
      for (let left = 1; left > 0;) {
        const { rows } = await client.query<{ left: number }>(
          'select count(pg_terminate_backend(pid, 5000))::int as left from pg_stat_activity where datname = $1',
          [name],
        );
        left = rows[0]!.left;
      }
      await work(client, name);
    } finally {
      await client.query(`alter database ${name} with allow_connections true`);
    }
  });
}
