import { randomBytes } from 'node:crypto';
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
  drop(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 20_000;
const OBJECT_IN_USE = '55006';

/**
 * Creates a database for this test alone, migrated by default, on the server that DATABASE_URL names. `drop` closes its
 * connections and deletes it. In a run of Jest a migrated database is a copy of the run's template
 * (`scripts/test/template-database.cjs`); elsewhere it is migrated here.
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
 * A pool's `end` resolves before its connections are closed, and a connection that is terminated meanwhile is an error
 * that no test awaits. So the first statement waits for them, up to 5 s, as PostgreSQL does without `force`.
 */
async function dropDatabase(server: string, name: string): Promise<void> {
  const statement = `drop database if exists ${name}`;
  await asOwner({ url: server }, statement).catch(async (error: { code?: string }) => {
    if (error.code !== OBJECT_IN_USE) throw error;
    await asOwner({ url: server }, `${statement} with (force)`);
  });
}
