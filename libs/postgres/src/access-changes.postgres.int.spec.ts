import type { Revocation } from '@tocsin/contracts/ports';
import { Unavailable } from '@tocsin/contracts';
import { describeAccessChanges, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { Client } from 'pg';
import { PostgresAccessChanges } from './access-changes.postgres';
import { Database } from './database';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

let fresh: FreshDatabase;
let database: Database;
let accessChanges: PostgresAccessChanges;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = fresh.open('tocsin_gateway');
  accessChanges = new PostgresAccessChanges(database);
}, 60_000);
afterAll(async () => {
  await database?.close();
  await fresh?.drop();
});
const users = (found: readonly Revocation[]) => found.map(({ user_id }) => user_id);
const owner = <Row = unknown>(sql: string) => asOwner<Row>({ url: fresh.url }, sql);

describeAccessChanges('PostgreSQL', { open: () => Promise.resolve({ accessChanges, close: () => Promise.resolve() }) });

describe('revocations in PostgreSQL', () => {
  beforeEach(() => owner('delete from tocsin.revocation'));

  it('are found although they were committed late, under a lower id than one that was already read', async () => {
    const slow = new Client({ connectionString: fresh.url });
    await slow.connect();
    try {
      await slow.query('begin');
      await slow.query(`select tocsin.revoke_access('late', null, null, null)`);
      await accessChanges.revoke({ user_id: 'early' });
      const [early] = await accessChanges.since(0);
      expect(early).toMatchObject({ user_id: 'early' });

      await slow.query('commit');
      const found = await accessChanges.since(early!.revocation_id);
      expect(users(found)).toEqual(['late', 'early']);
      expect(found[0]!.revocation_id).toBeLessThan(early!.revocation_id);
    } finally {
      await slow.end();
    }
  });

  it('are read once, unless another transaction may have been late', async () => {
    await accessChanges.revoke({ user_id: 'first' });
    // transaction ids belong to the cluster: a revocation that is written beside an open transaction of another test is
    // read together with all that may have been late beside it, so the next one is written until none was open
    await eventually(async () => {
      await accessChanges.revoke({ user_id: 'next' });
      const last = (await accessChanges.since(0)).at(-1)!;
      const found = await accessChanges.since(last.revocation_id);
      expect(found.at(-1)).toEqual(last);
      expect(users(found)).not.toContain('first');
    }, 150_000);
  }, 180_000);

  it('are read 5,000 at a time', async () => {
    await owner(`insert into tocsin.revocation (user_id) select 'user ' || n from generate_series(1, 6000) as n`);
    const first = await accessChanges.since(0);
    expect([first.length, first[0]!.user_id]).toEqual([5_000, 'user 1']);
    expect(users(await accessChanges.since(first.at(-1)!.revocation_id)).at(-1)).toBe('user 6000');
  });

  it('are in force for thirty days, and are deleted a day later with the next revocation', async () => {
    await owner(`insert into tocsin.revocation (user_id, created_at) values
      ('old', now() - interval '31 days 1 minute'), ('past', now() - interval '30 days 1 minute'), ('in force', now() - interval '29 days 23 hours')`);
    expect(users(await accessChanges.since(0))).toEqual(['in force']);
    await accessChanges.revoke({ user_id: 'new' });
    expect(await owner('select user_id from tocsin.revocation order by revocation_id')).toEqual([
      { user_id: 'past' },
      { user_id: 'in force' },
      { user_id: 'new' },
    ]);
  });

  it('are reached only through functions', async () => {
    await accessChanges.revoke({ user_id: 'ada' });
    for (const statement of [
      'select from tocsin.revocation',
      'delete from tocsin.revocation',
      `insert into tocsin.revocation (user_id) values ('eve')`,
    ]) {
      await expect(database.call(statement)).rejects.toThrow(/permission denied/);
    }
    const processor = fresh.open('tocsin_processor');
    await expect(new PostgresAccessChanges(processor).revoke({ user_id: 'eve' })).rejects.toThrow(/permission denied/);
    await processor.close();
  });

  it('are unavailable within 2 s while the database is silent, and there again when it answers', async () => {
    const proxy = await FaultProxy.to(fresh.url);
    const behind = new Database({ connection: { url: proxy.via(fresh.url) }, role: 'tocsin_gateway' });
    try {
      const reader = new PostgresAccessChanges(behind);
      await accessChanges.revoke({ user_id: 'ada' });
      expect(users(await reader.since(0))).toEqual(['ada']);
      proxy.silence();
      const startedAt = performance.now();
      await expect(reader.since(0)).rejects.toBeInstanceOf(Unavailable);
      expect(performance.now() - startedAt).toBeLessThan(2_500);
      proxy.cut();
      proxy.silence(false);
      expect(users(await reader.since(0))).toEqual(['ada']);
    } finally {
      await proxy.close();
      await behind.close();
    }
  });
});
