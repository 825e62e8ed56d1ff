import {
  REVOCATION_IN_FORCE_MS,
  revocationIdOf,
  SESSION_REVOCATION_IN_FORCE_MS,
  type Revocation,
} from '@tocsin/contracts/ports';
import { Unavailable } from '@tocsin/contracts';
import { describeAccessChanges, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { Client } from 'pg';
import { PostgresAccessChanges } from './access-changes.postgres';
import { Database } from './database';
import { PostgresSessionStore } from './session-store.postgres';
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

  /** More than a change between winter and summer time. */
  const [HOURS, DAY] = [2 * 60 * 60_000, 24 * 60 * 60_000];
  const SESSION = revocationIdOf('aA0_-'.repeat(9).slice(2));
  const stored = (user: string, ageMs: number, jti: string | null = null) =>
    owner(
      `insert into tocsin.revocation (user_id, jti, created_at)
       values ('${user}', ${jti === null ? 'null' : `'${jti}'`}, now() - make_interval(secs => ${ageMs / 1_000}))`,
    );
  const kept = async () =>
    (await owner<{ user_id: string }>('select user_id from tocsin.revocation order by revocation_id')).map(
      ({ user_id }) => user_id,
    );

  it.each([
    ['a user', REVOCATION_IN_FORCE_MS, null],
    ['a token whose name only begins like that of a session', REVOCATION_IN_FORCE_MS, revocationIdOf('1')],
    ['a session', SESSION_REVOCATION_IN_FORCE_MS, SESSION],
  ])('of %s are in force as long as the port says, and deleted a day later with the next one', async (_, ms, jti) => {
    await stored('old', ms + DAY + HOURS, jti);
    await stored('past', ms + HOURS, jti);
    await stored('in force', ms - HOURS, jti);
    const found = await accessChanges.since(0);
    expect(users(found)).toEqual(['in force']);
    expect(users(await accessChanges.since(found[0]!.revocation_id))).toContain('in force');
    await accessChanges.revoke({ user_id: 'new' });
    expect(await kept()).toEqual(['past', 'in force', 'new']);
  });

  it('of sessions are deleted although many older ones of users are in force', async () => {
    await owner(`insert into tocsin.revocation (user_id, created_at)
      select 'user ' || n, now() - interval '100 days' from generate_series(1, 30) as n`);
    for (let nth = 0; nth < 25; nth += 1) await stored(`ended ${nth}`, 3 * DAY, SESSION);
    await accessChanges.revoke({ user_id: 'ada', jti: SESSION });
    expect(await kept()).toHaveLength(30 + 5 + 1);
    await accessChanges.revoke({ user_id: 'ada', jti: SESSION });
    expect(await kept()).toHaveLength(30 + 2);
  });

  it('of sessions that are old are found through an index of their own', async () => {
    await owner(`insert into tocsin.revocation (user_id, jti) select 'u', 't' || n from generate_series(1, 5000) as n`);
    await owner('analyze tocsin.revocation');
    const plan = await owner(
      `explain select revocation_id from tocsin.revocation where jti ~ '^session:[A-Za-z0-9_-]{43}$'
        and created_at < now() - interval '2 days' order by created_at limit 20`,
    );
    expect(JSON.stringify(plan)).toContain('revocation_of_session');
  });

  it('of a session ends the stored session with it, and no other', async () => {
    const sessions = new PostgresSessionStore(database);
    const [ended, other] = ['e', 'o'].map((letter) => letter.repeat(43)) as [string, string];
    for (const id of [ended, other]) await sessions.create(id, 'sealed', DAY);
    await accessChanges.revoke({ user_id: 'ada', jti: revocationIdOf(ended) });
    await accessChanges.revoke({ user_id: 'ada' });
    await accessChanges.revoke({ user_id: 'ada', jti: `sessions${other}` });
    expect(await sessions.use(ended, DAY)).toBeUndefined();
    expect(await sessions.use(other, DAY)).toMatchObject({ sealed: 'sealed' });
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
