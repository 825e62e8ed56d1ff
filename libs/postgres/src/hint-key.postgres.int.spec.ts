import type { Database } from './database';
import { PostgresHintKey } from './hint-key.postgres';
import { migrate } from './migrate';
import { freshDatabase, type FreshDatabase } from './testing';

const opened: Database[] = [];
const fresh: FreshDatabase[] = [];
/** Migrated here, and no copy: its migrations draw the key. */
async function aDatabase(): Promise<FreshDatabase> {
  const database = await freshDatabase({ migrated: false });
  fresh.push(database);
  await migrate({ connection: { url: database.url } });
  return database;
}
/** A pool with its first connection: to open one takes time of its own, which is no part of a call's 400 ms. */
async function as(
  role: 'tocsin_processor' | 'tocsin_gateway' | 'tocsin_standalone',
  fresh: FreshDatabase,
): Promise<Database> {
  const database = fresh.open(role);
  opened.push(database);
  await database.call('select 1', []);
  return database;
}
afterAll(async () => {
  for (const database of opened) await database.close();
  for (const database of fresh) await database.drop();
});

describe('the key of hints', () => {
  it('is the same for processors and gateways, also after a second migration, and differs between databases', async () => {
    const [own, other] = [await aDatabase(), await aDatabase()];
    const readers = await Promise.all(
      (['tocsin_processor', 'tocsin_gateway', 'tocsin_standalone'] as const).map(
        async (role) => new PostgresHintKey(await as(role, own)),
      ),
    );
    const keys = await Promise.all(readers.map((reader) => reader.read()));
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(keys).size).toBe(1);
    await migrate({ connection: { url: own.url } });
    expect(await readers[0]!.read()).toBe(keys[0]);
    expect(await new PostgresHintKey(await as('tocsin_gateway', other)).read()).not.toBe(keys[0]);
  }, 60_000);

  it('is read only through its function', async () => {
    const gateway = await as('tocsin_gateway', await aDatabase());
    await expect(gateway.call('select key from tocsin.hint_key', [])).rejects.toThrow();
  }, 60_000);
});
