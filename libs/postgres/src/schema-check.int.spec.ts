import { randomBytes } from 'node:crypto';
import { Unavailable } from '@tocsin/contracts';
import { ConfigurationError } from '@tocsin/settings';
import { SchemaCheck } from './schema-check';
import { MIGRATIONS, newestIn, noteVersion } from './schema-version';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

describe('the check of the schema', () => {
  let database: FreshDatabase;
  beforeAll(async () => (database = await freshDatabase()));
  afterAll(() => database?.drop());
  const check = (needed?: number) => new SchemaCheck({ url: database.url }, needed).pass();

  it('passes on a migrated database, and on one that a newer version migrated', async () => {
    await check();
    await check(1);
  });

  it('names an older one with the command', async () => {
    const failure = await check(9_999).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect((failure as Error).message).toMatch(
      /is migrated to \d+, and this version needs 9999\. Run: npm run migrate$/,
    );
  });

  it('asks no more once it has passed', async () => {
    const passed = new SchemaCheck({ url: database.url });
    await passed.pass();
    await asOwner({ url: database.url }, noteVersion(1));
    await passed.pass();
    await expect(check()).rejects.toThrow(ConfigurationError);
  });

  it('warns of a database that knows upper and lower case of ASCII letters alone', async () => {
    // the test before has noted an older version
    const usual = new SchemaCheck({ url: database.url }, 1);
    await usual.pass();
    await withDatabase(`encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`, async (connection) => {
      const ascii = new SchemaCheck(connection);
      await ascii.pass();
      const folds = `select 'Ö' ilike 'ö' as folds`;
      expect(await asOwner(connection, folds)).toEqual([{ folds: false }]);
      expect(ascii.warning).toMatch(/has LC_CTYPE C: a search ignores/);
      const [usually] = await asOwner<{ folds: boolean }>({ url: database.url }, folds);
      expect(usual.warning === undefined).toBe(usually!.folds);
    });
  });

  it('warns of a database that does not hold every letter as one, whatever its LC_CTYPE is', async () => {
    await withDatabase(`encoding 'SQL_ASCII' lc_ctype 'C.UTF-8'`, async (connection) => {
      const ascii = new SchemaCheck(connection);
      await ascii.pass();
      expect(await asOwner(connection, `select 'Ö' ilike 'ö' as folds`)).toEqual([{ folds: false }]);
      expect(ascii.warning).toMatch(/has the encoding SQL_ASCII: it may refuse letters, and a search may ignore/);
    });
  });

  it('takes a database without a noted version for an older one', async () => {
    await asOwner({ url: database.url }, 'comment on schema tocsin is null');
    await expect(check(1)).rejects.toThrow(
      /is migrated to an unknown version, and this version needs 1\. Run: npm run migrate$/,
    );
  });

  it('says that a database without a schema needs a migration', async () => {
    await asOwner({ url: database.url }, 'drop schema tocsin cascade');
    await expect(check()).rejects.toThrow(/has no schema "tocsin"\. Run: npm run migrate$/);
  });

  it('leaves a database that is away to the one who waits', async () => {
    await expect(new SchemaCheck({ url: 'postgresql://u@127.0.0.1:1/x' }).pass()).rejects.toBeInstanceOf(Unavailable);
  });

  /** Makes a database of this encoding and locale, with an empty schema, for as long as `use` takes. */
  async function withDatabase(made: string, use: (connection: { url: string }) => Promise<void>): Promise<void> {
    const server = { url: process.env.DATABASE_URL! };
    const name = `tocsin_test_ctype_${randomBytes(4).toString('hex')}`;
    await asOwner(server, `create database ${name} template template0 ${made}`);
    try {
      const url = new URL(database.url);
      url.pathname = `/${name}`;
      const connection = { url: url.toString() };
      await asOwner(connection, `create schema tocsin; ${noteVersion(newestIn(MIGRATIONS))}`);
      await use(connection);
    } finally {
      await asOwner(server, `drop database ${name} with (force)`);
    }
  }
});
