import { setTimeout as sleep } from 'node:timers/promises';
import { Refused, Unavailable } from '@tocsin/contracts';
import { aPlannedEvent, aTenant, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { Database, type DatabaseOptions } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { PostgresTenantDirectory } from './tenant-directory.postgres';
import { TenantMembership } from './tenant-membership';
import { asOwner, freshDatabase, type FreshDatabase } from './testing';

describe('the pool', () => {
  let fresh: FreshDatabase;
  let proxy: FaultProxy;
  const opened: Database[] = [];
  const open = (options: Partial<DatabaseOptions> = {}): Database => {
    const database = fresh.open('tocsin_standalone', options);
    opened.push(database);
    return database;
  };
  const throughProxy = (options: Partial<DatabaseOptions> = {}) =>
    open({ connection: { url: proxy.via(fresh.url) }, ...options });
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  beforeAll(async () => (fresh = await freshDatabase()), 60_000);
  beforeEach(async () => (proxy = await FaultProxy.to(fresh.url)));
  afterEach(async () => {
    await proxy.close();
    await Promise.all(opened.splice(0).map((database) => database.close()));
  });
  afterAll(() => fresh?.drop());

  it('gives every session its role, UTC and its timeouts', async () => {
    const database = open({ statementTimeoutMs: 1_234, lockTimeoutMs: 567, idleInTransactionTimeoutMs: 8_901 });
    const [session] = await database.call(
      `select current_user as role, current_setting('timezone') as zone, current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
              current_setting('idle_in_transaction_session_timeout') as idle`,
    );
    expect(session).toEqual({
      role: 'tocsin_standalone',
      zone: 'UTC',
      statement: '1234ms',
      lock: '567ms',
      idle: '8901ms',
    });
  });

  it('keeps the options of the address, and adds the role to them', async () => {
    const url = new URL(fresh.url);
    url.searchParams.set('options', '-c work_mem=5MB');
    const database = open({ connection: { url: url.toString() } });
    expect(await database.call(`select current_user as role, current_setting('work_mem') as mem`)).toEqual([
      { role: 'tocsin_standalone', mem: '5MB' },
    ]);
  });

  it('reads bigint as a number and times as they are sent, without changing other users of pg', async () => {
    const sql = `select 9007199254740991::bigint as big, '2026-01-02 03:04:05.6+00'::timestamptz as at, '{"b":1,"a":1e2}'::json as json`;
    expect(await open().call(sql)).toEqual([
      { big: 9_007_199_254_740_991, at: '2026-01-02T03:04:05.600Z', json: { b: 1, a: 100 } },
    ]);
    expect(await asOwner({ url: fresh.url }, sql)).toEqual([
      { big: '9007199254740991', at: new Date('2026-01-02T03:04:05.600Z'), json: { b: 1, a: 100 } },
    ]);
  });

  it('keeps a statement for a session by its name, and makes it anew where a migration has changed its result', async () => {
    const database = open({ poolSize: 1 });
    const replace = (result: string) =>
      asOwner(
        { url: fresh.url },
        `drop function if exists public.answer; create function public.answer() returns table (${result}) language sql as 'select 1'`,
      );
    const answer = () => database.call('select * from public.answer()', [], { keptAs: 'answer' });
    await replace('one integer');
    expect([await answer(), await answer()]).toEqual([[{ one: 1 }], [{ one: 1 }]]);
    expect(await database.call('select name from pg_prepared_statements')).toEqual([{ name: 'answer' }]);
    await replace('other integer');
    expect(await answer()).toEqual([{ other: 1 }]);
  });

  it('rolls back failed work, returns the connection, and throws the error of the work unchanged', async () => {
    const database = open({ poolSize: 1 });
    const tenant = aTenant();
    const mine = new RangeError('mine');
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const error = await failure(
        database.as([tenant], async (manager) => {
          await manager.query(`insert into tocsin.tenant_membership values ('u', $1, 'n', 'r')`, [tenant]);
          throw mine;
        }),
      );
      expect(error).toBe(mine);
      expect(await failure(database.as([tenant], (manager) => manager.query('select 1/0')))).toBeInstanceOf(Refused);
      expect(await failure(database.call('select 1/0'))).toBeInstanceOf(Refused);
    }
    expect(await database.as([tenant], (manager) => manager.query('select 1 from tocsin.tenant_membership'))).toEqual(
      [],
    );
    expect(database.connections()).toEqual({ active: 0, idle: 1, waiting: 0 });
  });

  it('commits what succeeds', async () => {
    const database = open();
    const [tenant_id, user_id] = [aTenant(), aTenant()];
    const directory = new PostgresTenantDirectory(database);
    await directory.introduce(user_id, [{ tenant_id, name: 'Bakery', role: 'viewer' }]);
    expect(await directory.tenantsOf({ user_id })).toEqual([{ tenant_id, name: 'Bakery', role: 'viewer' }]);
    expect(await directory.tenantsOf({ user_id: `${user_id}'` })).toEqual([]);
  });

  it('edits a row through its repository, for the tenants that were named and for no other', async () => {
    const database = open();
    const [mine, theirs, user_id] = [aTenant(), aTenant(), aTenant()];
    const directory = new PostgresTenantDirectory(database);
    const rolesOf = async () => (await directory.tenantsOf({ user_id })).map(({ role }) => role);
    await directory.introduce(
      user_id,
      [mine, theirs].map((tenant_id) => ({ tenant_id, name: 'Bakery', role: 'viewer' })),
    );
    await database.as([mine], (manager) =>
      manager.getRepository(TenantMembership).update({ user_id }, { role: 'owner' }),
    );
    expect((await rolesOf()).sort()).toEqual(['owner', 'viewer']);
    // a user who is introduced again keeps what was edited
    await directory.introduce(user_id, [{ tenant_id: mine, name: 'Bakery', role: 'viewer' }]);
    expect((await rolesOf()).sort()).toEqual(['owner', 'viewer']);
    expect(await database.as([], (manager) => manager.getRepository(TenantMembership).count())).toBe(0);
  });

  it('tries a deadlock and a lock timeout again by itself, a few times', async () => {
    const database = open();
    let attempts = 0;
    const tenant = aTenant();
    const result = await database.as([tenant], async (manager) => {
      attempts += 1;
      if (attempts < 3)
        await manager.query(
          `do $$ begin raise exception 'provoked' using errcode = '${attempts === 1 ? '40P01' : '55P03'}'; end $$`,
        );
      return 'done';
    });
    expect({ result, attempts }).toEqual({ result: 'done', attempts: 3 });

    attempts = 0;
    const always = database.as([tenant], async (manager) => {
      attempts += 1;
      await manager.query(`do $$ begin raise exception 'provoked' using errcode = '40001'; end $$`);
    });
    expect(await failure(always)).toBeInstanceOf(Unavailable);
    expect(attempts).toBe(5);
  });

  it('is unavailable when a statement takes too long, and when the disk is full', async () => {
    const database = open({ statementTimeoutMs: 100 });
    expect(await failure(database.call('select pg_sleep(10)'))).toBeInstanceOf(Unavailable);
    expect(
      await failure(database.call(`do $$ begin raise exception 'full' using errcode = '53100'; end $$`)),
    ).toBeInstanceOf(Unavailable);
    expect(await failure(database.as([], (manager) => manager.query('select pg_sleep(10)')))).toBeInstanceOf(
      Unavailable,
    );
    expect(await database.call('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('asks a fresh connection whether the database or the input is at fault when a statement timed out', async () => {
    const database = throughProxy({ statementTimeoutMs: 300 });
    const sleeping = () => failure(database.call('select pg_sleep(5)', [], { timeoutIsJudged: true }));
    expect(await sleeping()).toMatchObject({ name: 'TooSlow', code: 'store_failed' });

    await database.check();
    proxy.refuse();
    expect(await sleeping()).toBeInstanceOf(Unavailable);
  });

  it('refuses a key that stays taken, after a few attempts', async () => {
    const database = open();
    expect(
      await failure(database.call(`do $$ begin raise unique_violation using schema = 'tocsin'; end $$`)),
    ).toBeInstanceOf(Refused);
  });

  it('is unavailable while it cannot be reached, and comes back by itself', async () => {
    const database = throughProxy();
    proxy.refuse();
    expect(await failure(database.call('select 1'))).toBeInstanceOf(Unavailable);
    expect(await failure(database.as([], (manager) => manager.query('select 1')))).toBeInstanceOf(Unavailable);
    proxy.refuse(false);
    await database.check();
    proxy.cut();
    await eventually(() => database.check());
  });

  it('survives connections that are cut in the middle of statements and transactions', async () => {
    const database = throughProxy({ poolSize: 4 });
    await database.check();
    const sleeping = failure(database.call('select pg_sleep(20)'));
    const querying = failure(database.as([], (manager) => manager.query('select pg_sleep(20)')));
    const pausing = failure(
      database.as([], async (manager) => {
        await manager.query('select 1');
        await sleep(200); // the cut comes between two statements
        await manager.query('select 1');
      }),
    );
    await eventually(() => expect(database.connections().active).toBe(3));
    await sleep(50);
    proxy.cut();
    for (const error of await Promise.all([sleeping, querying, pausing])) expect(error).toBeInstanceOf(Unavailable);
    await eventually(() => database.check());
    expect(database.connections().active).toBe(0);
  });

  it('gives up a connection that has fallen silent, one second after the statement timeout', async () => {
    const database = throughProxy({ statementTimeoutMs: 200 });
    await database.check();
    proxy.silence();
    const began = Date.now();
    expect(await failure(database.call('select 1'))).toBeInstanceOf(Unavailable);
    expect(Date.now() - began).toBeLessThan(3_000);
    expect(await failure(database.call('select 1', [], { withinMs: 100 }))).toBeInstanceOf(Unavailable);
    proxy.silence(false);
    await eventually(() => database.check());
  });

  it('stores a batch once when the response to its commit was lost', async () => {
    const database = throughProxy();
    const log = new PostgresEventLog(database);
    const tenant_id = aTenant();
    for (let round = 1; round <= 20; round += 1) {
      await eventually(() => database.check());
      const batch = [aPlannedEvent({ tenant_id }), aPlannedEvent({ tenant_id })];
      const cut = sleep(Math.random() * 12).then(() => proxy.cut());
      let results = await log.append(batch).catch(() => undefined);
      await cut;
      results ??= await eventually(() => log.append(batch));
      expect(results.map(({ outcome }) => outcome)).not.toContain('conflict');
    }
    const [{ count }] = (await asOwner<{ count: string }>(
      { url: fresh.url },
      'select count(*) from tocsin.event where tenant_id = $1',
      [tenant_id],
    )) as [{ count: string }];
    expect(Number(count)).toBe(40);
  });

  it('may be closed twice, and is unavailable afterwards', async () => {
    const database = open();
    await database.check();
    await Promise.all([database.close(), database.close()]);
    await database.close();
    expect(await failure(database.check())).toBeInstanceOf(Unavailable);
    expect(database.connections()).toEqual({ active: 0, idle: 0, waiting: 0 });
  });
});
