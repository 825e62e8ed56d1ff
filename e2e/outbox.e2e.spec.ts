import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'pg';
import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import {
  AlertPublisher,
  enqueue,
  OutboxRelay,
  outboxTable,
  type OutboxRelayOptions,
  type OutboxTrouble,
} from '@tocsin/publisher';
import { Stack } from './kit/stack';

const TABLE = 'shop.alert_outbox';
const alert = (id: string, more: object = {}) => ({
  id,
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'low' as const,
  ...more,
});
const several = (name: string, count: number) => Array.from({ length: count }, (_, index) => alert(`${name}-${index}`));

describe('the outbox of a service that writes its own PostgreSQL', () => {
  let stack: Stack;
  let pool: Pool;
  let closers: (() => Promise<void>)[];
  beforeAll(async () => {
    stack = await Stack.open({ gateways: 0 });
    pool = new Pool({ connectionString: stack.database.url, max: 8 });
    await stack.sql('create schema shop');
    for (let i = 0; i < 2; i += 1) await stack.sql(outboxTable(TABLE));
    await stack.sql('create table shop.sale (item text)');
  });
  afterAll(async () => {
    await pool?.end();
    await stack?.close();
  });
  beforeEach(() => (closers = []));
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
  });

  const exchange = () => `${stack.prefix}alerts.exchange`;
  const relay = (options: Partial<OutboxRelayOptions> & { url?: string } = {}): OutboxRelay => {
    const { url = stack.environment.RABBITMQ_URL!, ...rest } = options;
    const publisher = new AlertPublisher({ url, exchange: exchange() });
    const made = new OutboxRelay({ pool, publisher, table: TABLE, pollMs: 100, ...rest });
    closers.push(async () => {
      await made.stop();
      await publisher.close();
    });
    return made;
  };
  const enqueued = async (alerts: readonly ReturnType<typeof alert>[], fails = false): Promise<void> => {
    const client = await pool.connect();
    await client.query('begin');
    await client.query(`insert into shop.sale values ('flour')`);
    await enqueue(client, alerts, { table: TABLE });
    await client.query(fails ? 'rollback' : 'commit');
    client.release();
  };
  const waiting = async () =>
    (await stack.sql<{ id: string }>(`select id from ${TABLE} order by outbox_id`)).map(({ id }) => id);
  const stored = async (name: string) =>
    (await stack.rows()).map(({ event_id }) => event_id).filter((id) => id.startsWith(`${name}-`));
  const duplicates = () => stack.processors[0]!.metric('tocsin_ingest_messages_total', 'result="duplicate"');

  it('is published when the transaction commits, in its order, and not when it does not', async () => {
    relay().start();
    await enqueued(several('undone', 3), true);
    await enqueued(several('done', 30));
    await eventually(async () => expect(await stored('done')).toEqual(several('done', 30).map(({ id }) => id)));
    expect([await stored('undone'), await waiting()]).toEqual([[], []]);
  });

  it('gives an alert without an id one, and keeps the trace', async () => {
    const [id] = await enqueue(pool, [{ tenant_id: 'bakery', service: 'inventory', severity: 'low' }], {
      table: TABLE,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    relay().start();
    await eventually(async () => {
      const traces = await stack.sql<{ trace_id: string }>('select trace_id from tocsin.event where event_id = $1', [
        id,
      ]);
      expect(traces).toEqual([{ trace_id: '0af7651916cd43dd8448eb211c80319c' }]);
    });
    expect(await enqueue(pool, [], { table: TABLE })).toEqual([]);
    await expect(enqueue(pool, [alert('x')], { table: 'a; drop table b' })).rejects.toThrow(TypeError);
  });

  it('is published again, and stored once, after a kill -9 between the confirmation and the commit', async () => {
    await enqueued(several('killed', 20));
    const before = await duplicates();
    const library = (name: string) => JSON.stringify(join(__dirname, '..', name));
    const program = `
      const { AlertPublisher, OutboxRelay } = require(${library('dist/libs/publisher/src/index.js')});
      const { Pool } = require(${library('node_modules/pg')});
      const pool = new Pool({ connectionString: process.env.DATABASE_URL });
      const dies = { connect: async () => { const client = await pool.connect(); return { query: (text, values) => text.startsWith('delete') ? process.kill(process.pid, 'SIGKILL') : client.query(text, values), release: () => client.release() }; } };
      const publisher = new AlertPublisher({ url: process.env.RABBITMQ_URL, exchange: process.env.EXCHANGE });
      new OutboxRelay({ pool: dies, publisher, table: ${JSON.stringify(TABLE)} }).start();
    `;
    const { DATABASE_URL, RABBITMQ_URL } = stack.environment;
    const child = spawn(process.execPath, ['-e', program], {
      env: { PATH: process.env.PATH, DATABASE_URL, RABBITMQ_URL, EXCHANGE: exchange() },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    expect(await waiting()).toHaveLength(20);

    relay().start();
    await eventually(async () => expect(await waiting()).toEqual([]), 20_000);
    await eventually(async () => expect((await duplicates()) - before).toBe(20), 20_000);
    expect(await stored('killed')).toEqual(several('killed', 20).map(({ id }) => id));
  });

  it('is shared by several relays, each row published by one of them', async () => {
    const before = await duplicates();
    await enqueued(several('shared', 400));
    for (let i = 0; i < 4; i += 1) relay({ batch: 20 }).start();
    await eventually(async () => expect(await stored('shared')).toHaveLength(400), 20_000);
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(await duplicates()).toBe(before);
  });

  it('waits for a broker that is away, says so, and goes on by itself', async () => {
    const proxy = await FaultProxy.to(stack.environment.RABBITMQ_URL!);
    closers.push(() => proxy.close());
    proxy.refuse();
    const troubles: OutboxTrouble[] = [];
    relay({
      url: proxy.via(stack.environment.RABBITMQ_URL!),
      onTrouble: (trouble) => {
        troubles.push(trouble);
        throw new Error('a log that fails ends no relay');
      },
    }).start();
    await enqueued(several('away', 5));
    await eventually(() => expect(troubles).toContainEqual(expect.objectContaining({ kind: 'broker' })));
    expect(await waiting()).toHaveLength(5);
    expect(
      await stack.sql(
        `select pid from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
      ),
    ).toEqual([]);
    proxy.refuse(false);
    await eventually(async () => expect(await stored('away')).toHaveLength(5), 20_000);
  });

  it('sets aside what AMQP cannot carry, and goes on with the others', async () => {
    const troubles: OutboxTrouble[] = [];
    await enqueued([alert('aside-0', { service: 'x'.repeat(300) }), alert('aside-1')]);
    relay({ onTrouble: (trouble) => void troubles.push(trouble) }).start();
    await eventually(async () => expect(await stored('aside')).toEqual(['aside-1']));
    await eventually(async () =>
      expect(await stack.sql(`select id, failure from ${TABLE}`)).toEqual([{ id: 'aside-0', failure: 'not_sendable' }]),
    );
    expect(troubles).toEqual([{ kind: 'set_aside', ids: ['aside-0'] }]);
    await stack.sql(`delete from ${TABLE}`);
  });

  it('is filled by the trigger on a table of others: rows become alerts, and what is none is set aside', async () => {
    const client = await pool.connect();
    await client.query('set search_path = shop');
    await client.query(readFileSync(join(__dirname, '../infrastructure/postgres/alert-trigger.sql'), 'utf8'));
    await client.query(`
      create table stock_warning (warning_no text, shop_id text, text text);
      create trigger becomes_alert after insert on stock_warning for each row execute function alert_from_row(
        'tenant_id', 'shop_id', 'service', '=inventory', 'severity', '=low', 'id', 'warning_no', 'title', 'text');
      insert into stock_warning values ('row-1', null, 'of no shop'), ('row-2', 'bakery', 'Flour is low');`);
    await client.query('reset search_path');
    client.release();
    relay().start();
    await eventually(async () => expect(await stored('row')).toEqual(['row-2']));
    await eventually(async () =>
      expect(await stack.sql(`select id, failure is not null as failed from ${TABLE}`)).toEqual([
        { id: 'row-1', failed: true },
      ]),
    );
    await stack.sql(`delete from ${TABLE}`);
  });

  it('goes on after its connection to PostgreSQL was cut, is looked at at once when it is woken, and is stopped twice and begun again', async () => {
    const troubles: OutboxTrouble[] = [];
    const made = relay({ pollMs: 3_600_000, onTrouble: (trouble) => void troubles.push(trouble) });
    made.start();
    made.start();
    const claims = new Pool({ connectionString: stack.database.url, max: 1 });
    claims.on('error', () => undefined);
    closers.push(() => claims.end());
    const cut = relay({ pool: claims, pollMs: 50, onTrouble: (trouble) => void troubles.push(trouble) });
    const blocker = await pool.connect();
    await blocker.query(`begin; lock table ${TABLE} in access exclusive mode`);
    cut.start();
    const claiming = () =>
      stack.sql<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'select o.outbox%'`,
      );
    const [{ pid }] = await eventually(async () => {
      const found = await claiming();
      expect(found.length).toBeGreaterThan(0);
      return found as [{ pid: number }];
    });
    await stack.sql('select pg_terminate_backend($1)', [pid]);
    await eventually(() => expect(troubles).toContainEqual(expect.objectContaining({ kind: 'database' })));
    await blocker.query('rollback');
    blocker.release();
    await enqueued(several('cut', 2));
    await eventually(async () => expect(await stored('cut')).toHaveLength(2), 20_000);
    await cut.stop();

    await eventually(async () => {
      await enqueued([alert(`woken-${Date.now()}`)]);
      made.wake();
      await eventually(async () => expect(await waiting()).toEqual([]), 1_000);
    });
    await made.stop();
    await made.stop();
    await enqueued(several('again', 1));
    made.start();
    await eventually(async () => expect(await stored('again')).toHaveLength(1));
  });
});
