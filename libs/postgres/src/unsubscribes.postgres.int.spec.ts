import { describeUnsubscribes } from '@tocsin/contracts/testing';
import type { Database } from './database';
import { PostgresLinkKey } from './link-key.postgres';
import { migrate } from './migrate';
import { freshDatabase, type FreshDatabase } from './testing';
import type { Role } from './roles';
import { PostgresUnsubscribes } from './unsubscribes.postgres';

let fresh: FreshDatabase;
const opened: Database[] = [];
function as(role: Role): Database {
  const database = fresh.open(role);
  opened.push(database);
  return database;
}
beforeAll(async () => void (fresh = await freshDatabase()), 60_000);
afterAll(async () => {
  for (const database of opened) await database.close();
  await fresh?.drop();
});

describeUnsubscribes('PostgreSQL', {
  open() {
    const database = as('tocsin_gateway');
    return Promise.resolve({ unsubscribes: new PostgresUnsubscribes(database), close: () => database.close() });
  },
});

it('the notifier may ask who wants no more messages, and may not say it', async () => {
  const unsubscribes = new PostgresUnsubscribes(as('tocsin_notifier'));
  const one = { tenant_id: 'a' as never, channel: 'email', address: 'ana@example.test' } as const;
  expect(await unsubscribes.has(one)).toBe(false);
  await expect(unsubscribes.add(one)).rejects.toThrow();
  await expect(as('tocsin_notifier').call('select from tocsin.unsubscribed')).rejects.toThrow();
});

it('the key of links is the same for notifiers and gateways, also after a second migration, and is read only through its function', async () => {
  const readers = (['tocsin_notifier', 'tocsin_gateway', 'tocsin_standalone'] as const).map(
    (role) => new PostgresLinkKey(as(role)),
  );
  const keys = await Promise.all(readers.map((reader) => reader.read()));
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(keys).size).toBe(1);
  await migrate({ connection: { url: fresh.url } });
  expect(await readers[0]!.read()).toBe(keys[0]);
  await expect(as('tocsin_gateway').call('select key from tocsin.link_key')).rejects.toThrow();
  await expect(new PostgresLinkKey(as('tocsin_processor')).read()).rejects.toThrow();
}, 60_000);
