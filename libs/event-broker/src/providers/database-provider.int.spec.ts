import { Pool } from 'pg';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { anEvent, eventually } from '../testing/broker-events';
import { describeEventProvider } from '../testing/event-provider.contract';
import { DatabaseProvider } from './database-provider';

describeEventProvider('database', async () => {
  const database = await freshDatabase({ migrated: false });
  const pools: Pool[] = [];
  return {
    open: async () => {
      const pool = new Pool({ connectionString: database.url, max: 4 });
      pool.on('error', () => {}); // the database is dropped with what is still connected
      pools.push(pool);
      const provider = new DatabaseProvider({ pool });
      await provider.open();
      return provider;
    },
    drop: async () => {
      await Promise.all(pools.map((pool) => pool.end()));
      await database.drop();
    },
    isShared: false,
  };
});

describe('the database provider', () => {
  let database: FreshDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await freshDatabase({ migrated: false });
    // a statement that waits for another's lock fails instead of holding the test up
    pool = new Pool({ connectionString: database.url, options: '-c lock_timeout=2s' });
    pool.on('error', () => {});
  });
  const opened: DatabaseProvider[] = [];
  // also after a failure: a provider that listens holds a connection, and the pool would wait for it
  afterEach(() => Promise.all(opened.splice(0).map((provider) => provider.close())));
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  const open = async (table: string, options = {}) => {
    const provider = new DatabaseProvider({ pool, table, ...options });
    opened.push(provider);
    await provider.open();
    return provider;
  };
  const hear = async (provider: DatabaseProvider) => {
    const heard: string[] = [];
    const stream = await provider.stream({ patterns: ['*'], signal: new AbortController().signal });
    const ended = (async () => {
      for await (const { id } of stream) heard.push(id);
    })();
    return { heard, ended };
  };

  it('an event whose transaction commits after that of a later one is heard, and the order is the same for all', async () => {
    const provider = await open('late_commit');
    const { heard } = await hear(provider);
    const slow = await pool.connect();
    await slow.query('begin');
    const [first, second] = [anEvent(), anEvent()];
    await provider.publishWithin(slow, [first]);
    await provider.publish([second]);
    await slow.query('commit');
    slow.release();
    await eventually(() => heard.length === 2 || undefined);
    expect(heard).toEqual((await provider.list()).map(({ id }) => id));
    await provider.close();
  });

  it('an event is heard that is published after its subscription, while a read with the patterns before it is under way', async () => {
    const slow = {
      connect: () => pool.connect(),
      query: pool.query.bind(pool) as (text: string, values?: unknown[]) => Promise<{ rows: unknown[] }>,
    };
    const provider = await open('subscribed_late', { pool: slow });
    const patterns: string[] = [];
    const wanted = anEvent();
    const { query } = slow;
    slow.query = async (text, values) => {
      if (text.includes('left join lateral') && patterns.length === 0) {
        patterns.push('*');
        slow.query = query;
        await provider.publish([wanted]);
      }
      return query(text, values);
    };
    const heard: string[] = [];
    const stream = await provider.stream({ patterns: () => [...patterns], signal: new AbortController().signal });
    void (async () => {
      for await (const { id } of stream) heard.push(id);
    })();
    await eventually(() => heard.length > 0 || undefined);
    expect(heard).toEqual([wanted.id]);
    await provider.close();
  });

  it('what a transaction published that was rolled back is no event', async () => {
    const provider = await open('rolled_back');
    const { heard } = await hear(provider);
    const client = await pool.connect();
    await client.query('begin');
    await provider.publishWithin(client, [anEvent()]);
    await client.query('rollback');
    client.release();
    const mark = anEvent();
    await provider.publish([mark]);
    await eventually(() => heard.length > 0 || undefined);
    expect(heard).toEqual([mark.id]);
    expect(await provider.list()).toHaveLength(1);
    await provider.close();
  });

  it('a payload above the size is compressed, and is read as it was', async () => {
    const provider = await open('compressed', { compressAboveBytes: 1_000 });
    const [large, small] = [anEvent({ payload: { text: 'flour '.repeat(1_000) } }), anEvent()];
    await provider.publish([large, small]);
    const { rows } = await pool.query(
      'select octet_length(payload_gzip) as gzip, payload is null as none from compressed order by seq',
    );
    expect(rows).toEqual([
      { gzip: expect.any(Number), none: true },
      { gzip: null, none: false },
    ]);
    expect((rows[0] as { gzip: number }).gzip).toBeLessThan(200);
    expect(await provider.get(large.id)).toEqual(large);
    await provider.close();
  });

  it('a stream whose connection to the listener was ended hears what came meanwhile, and listens again', async () => {
    const troubles: unknown[] = [];
    const provider = await open('interrupted', { onTrouble: (error: unknown) => troubles.push(error) });
    const { heard, ended } = await hear(provider);
    const listeners = async () => {
      const { rows } = await pool.query(
        `select pid from pg_stat_activity where query like 'listen %' and datname = current_database() and state = 'idle'`,
      );
      return (rows as { pid: number }[]).map(({ pid }) => pid);
    };
    const [before] = await eventually(async () => {
      const pids = await listeners();
      return pids.length > 0 ? pids : undefined;
    });
    await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and datname = current_database()`,
    );
    const events = [anEvent(), anEvent()];
    await provider.publish([events[0]!]);
    await eventually(() => heard.length === 1 || undefined);
    await eventually(async () => (await listeners()).some((pid) => pid !== before) || undefined);
    await provider.publish([events[1]!]);
    await eventually(() => heard.length === 2 || undefined);
    expect(troubles.length).toBeGreaterThan(0);
    await provider.close();
    await ended;
  });

  it('old completed events are deleted on request', async () => {
    const provider = await open('old');
    const old = new Date(Date.now() - 60_000);
    const [done, waiting] = [anEvent({ created_at: old }), anEvent({ created_at: old })];
    await provider.store([done, waiting]);
    await provider.updateStatus([{ id: done.id, status: 'completed', at: new Date() }]);
    expect(await provider.deleteCompletedBefore(new Date())).toBe(1);
    expect((await provider.list()).map(({ id }) => id)).toEqual([waiting.id]);
    await provider.close();
  });

  it.each(['beside', 'public.beside_in_a_schema'])(
    'an instance that opens "%s" waits for no transaction that writes to its tables',
    async (table) => {
      const first = await open(table);
      const event = anEvent();
      await first.store([event]);
      const writer = await pool.connect();
      try {
        await writer.query('begin');
        await writer.query(`lock table ${table}, ${table}_claims in row exclusive mode`);
        const second = await open(table);
        expect((await second.list()).map(({ id }) => id)).toEqual([event.id]);
      } finally {
        await writer.query('rollback');
        writer.release();
      }
    },
  );

  it('an index that an earlier version did not have is created', async () => {
    await open('earlier');
    await pool.query('drop index earlier_created');
    await open('earlier');
    expect((await pool.query("select to_regclass('earlier_created') as index")).rows).toEqual([
      { index: 'earlier_created' },
    ]);
  });

  it.each([0, 2 ** 31])('pollMs: %d is refused', (pollMs) => {
    const refusal = { code: 'invalid_configuration', message: expect.stringContaining('pollMs') as string };
    expect(() => new DatabaseProvider({ pool, pollMs })).toThrow(expect.objectContaining(refusal));
  });

  it.each(['events; drop table x', '"events"', 'a.b.c', ''])('the table name "%s" is refused', (table) => {
    expect(() => new DatabaseProvider({ pool, table })).toThrow(
      expect.objectContaining({ code: 'invalid_configuration' }),
    );
  });
});
