import { randomBytes } from 'node:crypto';
import { migrate } from '../migrate';
import { asOwner } from './as-owner';

export interface FreshDatabase {
  /** As the owner that DATABASE_URL names. */
  url: string;
  drop(): Promise<void>;
}

/** A migrated database of this test's own, on the server that DATABASE_URL names. `drop` takes it away, connections and all. */
export async function freshDatabase({ migrated = true } = {}): Promise<FreshDatabase> {
  const server = process.env.DATABASE_URL;
  if (!server)
    throw new Error('This test needs a real PostgreSQL: set DATABASE_URL to a user who may create databases.');
  const name = `tocsin_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  // template0: nobody is ever connected to it, so databases can be created side by side
  await asOwner({ url: server }, `create database ${name} template template0`);
  const drop = async () => void (await asOwner({ url: server }, `drop database if exists ${name} with (force)`));
  if (migrated) {
    await migrate({ connection: { url: url.toString() } }).catch(async (error: unknown) => {
      await drop();
      throw error;
    });
  }
  return { url: url.toString(), drop };
}
