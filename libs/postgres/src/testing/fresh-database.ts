import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Database, type DatabaseOptions } from '../database';
import { migrate } from '../migrate';
import type { Role } from '../roles';
import { asOwner } from './as-owner';
import { copyTemplate } from './template-database';

export interface FreshDatabase {
  /** The address, as the owner that DATABASE_URL names. */
  url: string;
  /**
   * A pool whose connections have this role; close it before `drop`. A call waits up to 20 s for a connection, because
   * a test asks for many at a time, beside other tests.
   */
  open(role: Role, options?: Partial<DatabaseOptions>): Database;
  /** Throws when there was a deadlock. */
  drop(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 20_000;
/** How long `drop` waits for connections: those of a process that was killed are closed when PostgreSQL notices. */
const CLOSED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 5;

/**
 * Creates a database for this test alone, migrated by default, on the server that DATABASE_URL names. `drop` waits
 * until its connections are closed, and deletes it. In a run of Jest a migrated database is a copy of the run's
 * template (`scripts/test/template-database.cjs`); elsewhere it is migrated here.
 */
export async function freshDatabase({ migrated = true } = {}): Promise<FreshDatabase> {
  const server = process.env.DATABASE_URL;
  if (!server)
    throw new Error('This test needs a real PostgreSQL: set DATABASE_URL to a user who may create databases.');
  const name = `tocsin_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const template = migrated ? process.env.TEMPLATE_DATABASE : undefined;
  if (template) await copyTemplate(server, template, url.toString());
  // template0 never has a connection, so databases can be created at the same time
  else await asOwner({ url: server }, `create database ${name} template template0`);
  const drop = () => dropDatabase(server, name);
  if (migrated && !template) {
    await migrate({ connection: { url: url.toString() } }).catch(async (error: unknown) => {
      await drop();
      throw error;
    });
  }
  const connection = { url: url.toString() };
  const open: FreshDatabase['open'] = (role, options) =>
    new Database({ connection, role, connectTimeoutMs: CONNECT_TIMEOUT_MS, ...options });
  return { url: url.toString(), open, drop };
}

/**
 * Waits until the connections are closed, and deletes the database. A pool's `end` resolves before its connections are
 * closed: to terminate one of them would be an error outside of any test. Throws when statements have met in a
 * deadlock: they are tried again, so a test that passes does not show it.
 */
async function dropDatabase(server: string, name: string): Promise<void> {
  const client = new Client({ connectionString: server, query_timeout: 30_000 });
  await client.connect();
  try {
    const until = Date.now() + CLOSED_WITHIN_MS;
    while (Date.now() < until && (await hasConnections(client, name))) await sleep(LOOK_EVERY_MS);
    const { rows } = await client.query<{ deadlocks: number }>(
      'select deadlocks::int from pg_stat_database where datname = $1',
      [name],
    );
    await client.query(`drop database if exists ${name} with (force)`);
    if (rows[0]?.deadlocks) throw new Error(`${rows[0].deadlocks} deadlocks in ${name}: see the log of PostgreSQL.`);
  } finally {
    await client.end();
  }
}

async function hasConnections(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_stat_activity where datname = $1 and backend_type = 'client backend' limit 1`,
    [name],
  );
  return rowCount === 1;
}
