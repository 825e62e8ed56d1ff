import { Client } from 'pg';
import { migrate } from '../migrate';
import { asOwner } from './as-owner';

/** The advisory lock of the process that makes the template, in the database that DATABASE_URL names. */
const MAKING_LOCK = 8_662_747;

/**
 * Creates a database that is migrated, as a copy of the run's template, which takes a third of the time of a migration.
 * Nothing that a migration makes is lost: it sets nothing at the database itself, and roles belong to the server.
 */
export async function copyTemplate(server: string, template: string, url: string): Promise<void> {
  await makeTemplate(server, template);
  await asOwner({ url: server }, `create database ${nameIn(url)} template ${template}`);
  await asOwner({ url }, DRAW_KEYS);
}

/** Each database has keys of its own, which its migrations draw. */
const DRAW_KEYS = `
do $$
declare
  holder regclass;
begin
  for holder in select c.oid from pg_class c where relnamespace = 'tocsin'::regnamespace and relkind = 'r' and relname like '%\\_key' loop
    execute format('update %s set key = replace(gen_random_uuid()::text || gen_random_uuid()::text, ''-'', '''')', holder);
  end loop;
end $$`;

const nameIn = (url: string): string => new URL(url).pathname.slice(1);

/** Makes the template, unless another test file of the run has made it. */
async function makeTemplate(server: string, name: string): Promise<void> {
  const isThere = async () =>
    (await asOwner({ url: server }, 'select from pg_database where datname = $1', [name])).length > 0;
  if (await isThere()) return;
  await withLock(server, async () => {
    if (await isThere()) return;
    // It gets its name when it is complete. No process connects to a template: a database with connections has no copy.
    const unfinished = `${name}_unfinished`;
    const url = Object.assign(new URL(server), { pathname: `/${unfinished}` }).toString();
    await asOwner({ url: server }, `create database ${unfinished} template template0`);
    try {
      await migrate({ connection: { url } });
      await asOwner({ url: server }, `alter database ${unfinished} rename to ${name}`);
    } catch (error) {
      await asOwner({ url: server }, `drop database if exists ${unfinished} with (force)`);
      throw error;
    }
  });
}

async function withLock(server: string, work: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MAKING_LOCK]);
    await work();
  } finally {
    // the lock ends with the session
    await client.end();
  }
}
