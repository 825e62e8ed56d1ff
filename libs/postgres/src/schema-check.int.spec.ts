import { Unavailable } from '@tocsin/contracts';
import { ConfigurationError } from '@tocsin/settings';
import { SchemaCheck } from './schema-check';
import { noteVersion } from './schema-version';
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

  it('says that a database without a schema needs a migration', async () => {
    await asOwner({ url: database.url }, 'drop schema tocsin cascade');
    await expect(check()).rejects.toThrow(/has no schema "tocsin"\. Run: npm run migrate$/);
  });

  it('leaves a database that is away to the one who waits', async () => {
    await expect(new SchemaCheck({ url: 'postgresql://u@127.0.0.1:1/x' }).pass()).rejects.toBeInstanceOf(Unavailable);
  });
});
