import { Database } from './database';
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
function as(role: 'tocsin_processor' | 'tocsin_gateway' | 'tocsin_standalone', { url }: FreshDatabase): Database {
  const database = new Database({ connection: { url }, role });
  opened.push(database);
  return database;
}
afterAll(async () => {
  for (const database of opened) await database.close();
  for (const database of fresh) await database.drop();
});

describe('the key of hints', () => {
  it('is the same for processors and gateways, also after a second migration, and differs between databases', async () => {
    const [own, other] = [await aDatabase(), await aDatabase()];
    const readers = (['tocsin_processor', 'tocsin_gateway', 'tocsin_standalone'] as const).map(
      (role) => new PostgresHintKey(as(role, own)),
    );
    const keys = await Promise.all(readers.map((reader) => reader.read()));
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(keys).size).toBe(1);
    await migrate({ connection: { url: own.url } });
    expect(await readers[0]!.read()).toBe(keys[0]);
    expect(await new PostgresHintKey(as('tocsin_gateway', other)).read()).not.toBe(keys[0]);
  }, 60_000);

  it('is read only through its function', async () => {
    await expect(as('tocsin_gateway', await aDatabase()).call('select key from tocsin.hint_key', [])).rejects.toThrow();
  }, 60_000);
});
