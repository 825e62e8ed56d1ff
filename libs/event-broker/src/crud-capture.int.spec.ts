import { Pool } from 'pg';
import { DataSource, EntitySchema, Like } from 'typeorm';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { captureCrud, type CrudCaptureOptions } from './crud-capture';
import type { BrokerEvent } from './event';
import type { EventBrokerOptions } from './broker-options';
import { EventBroker } from './event-broker';
import { DatabaseProvider } from './providers/database-provider';
import { MemoryProvider } from './providers/memory-provider';
import { eventually, gate } from './testing/broker-events';

interface Item {
  id?: number;
  name: string;
  kilos: number;
  secret?: string;
}

const Items = new EntitySchema<Item>({
  name: 'Item',
  tableName: 'items',
  columns: {
    id: { type: Number, primary: true, generated: true },
    name: { type: String },
    kilos: { type: Number },
    secret: { type: String, nullable: true, select: false },
  },
});

let database: FreshDatabase;
let pool: Pool;
let dataSource: DataSource;
beforeAll(async () => {
  database = await freshDatabase({ migrated: false });
  pool = new Pool({ connectionString: database.url });
  dataSource = new DataSource({ type: 'postgres', url: database.url, entities: [Items], synchronize: true });
  await dataSource.initialize();
});
afterAll(async () => {
  await dataSource?.destroy();
  await pool?.end();
  await database?.drop();
});

describe.each(['database', 'memory'] as const)('captured by TypeORM, with the %s provider', (kind) => {
  let broker: EventBroker;
  let heard: BrokerEvent[];
  let end: () => void;
  const capture = async (options: Partial<CrudCaptureOptions> = {}, how: EventBrokerOptions = {}) => {
    const provider = kind === 'database' ? new DatabaseProvider({ pool }) : new MemoryProvider();
    heard = [];
    broker = new EventBroker({ provider, instanceId: `capture-${Math.random()}`, ...how });
    broker.subscribe('public.items.*', (event) => void heard.push(event));
    await broker.start();
    end = captureCrud(dataSource, { broker, ...options });
  };
  /** Resolves when everything that was captured before has been heard. */
  const settled = async () => {
    const { id } = await broker.publish({ type: 'public.items.mark' });
    await eventually(() => heard.find((event) => event.id === id));
    const events = heard.filter(({ operation }) => operation !== 'mark');
    await eventually(async () => ((await broker.stats()).provider_stats.pending_events === 0 ? true : undefined));
    return events;
  };
  afterEach(async () => {
    end();
    await broker.stop();
  });
  const repository = () => dataSource.getRepository(Items);

  it('create, update and delete are events, with the columns that may be shown; read is off', async () => {
    await capture({ context: () => ({ user_id: 7, session_id: 's1', metadata: { from: 'test' } }) });
    const flour = await repository().save({ name: 'flour', kilos: 9, secret: 'hidden' });
    await repository().save({ id: flour.id, kilos: 2 } as Item);
    await repository().findOneByOrFail({ id: flour.id });
    const { id } = flour;
    await repository().remove({ ...flour });
    await eventually(() => heard.length === 3 || undefined);
    const events = await settled();
    expect(events.map(({ type }) => type)).toEqual(
      ['create', 'update', 'delete'].map((what) => `public.items.${what}`),
    );
    expect(events[0]).toMatchObject({
      source: 'database',
      schema: 'public',
      entity: 'items',
      operation: 'create',
      user_id: '7',
      session_id: 's1',
      payload: { id, name: 'flour', kilos: 9 },
      metadata: { from: 'test' },
    });
    expect(JSON.stringify(events)).not.toContain('hidden');
    expect(events[1]).toMatchObject({ payload: { kilos: 2 }, metadata: { changed: ['kilos'] } });
    expect(events[2]).toMatchObject({ payload: { id, name: 'flour' } });
    await eventually(async () =>
      (await broker.provider.get(events[0]!.id))?.status === 'completed' ? true : undefined,
    );
  });

  it('a change that is rolled back is no event, and neither is a savepoint that is', async () => {
    await capture();
    await expect(
      dataSource.transaction(async (manager) => {
        await manager.save(Items, { name: 'lost', kilos: 1 });
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await dataSource.transaction(async (manager) => {
      await manager.save(Items, { name: 'outer', kilos: 1 });
      await manager
        .transaction(async (inner) => {
          await inner.save(Items, { name: 'inner', kilos: 1 });
          throw new Error('to the savepoint');
        })
        .catch(() => undefined);
      await manager.save(Items, { name: 'after', kilos: 1 });
    });
    await eventually(() => heard.length === 2 || undefined);
    const events = await settled();
    expect(events.map(({ payload }) => (payload as Item).name)).toEqual(['outer', 'after']);
  });

  it('each operation has a switch, and tables can be chosen', async () => {
    await capture({ create: false, read: true });
    const sugar = await repository().save({ name: 'sugar', kilos: 1 });
    await repository().findOneByOrFail({ id: sugar.id });
    await eventually(() => heard.length === 1 || undefined);
    expect((await settled()).map(({ operation }) => operation)).toEqual(['read']);
    end();
    end = captureCrud(dataSource, { broker, tables: ['others'] });
    await repository().save({ name: 'salt', kilos: 1 });
    expect(await settled()).toHaveLength(1);
  });

  it.each(['sync', 'async'] as const)('%s: nothing that was captured is lost when the queue is full', async (mode) => {
    const troubles: unknown[] = [];
    await capture({ onTrouble: (error) => troubles.push(error) }, { mode, bufferSize: 2, workerCount: 1 });
    const { entered, release, handler } = gate();
    broker.subscribe('public.items.*', handler);
    const item = (name: string) => ({ name: `${kind} ${mode} ${name}`, kilos: 1 });
    const saved = Promise.all([
      dataSource.transaction(async (manager) => {
        for (const name of 'abc') await manager.save(Items, item(name));
      }),
      ...[...'defg'].map((name) => repository().save(item(name))),
    ]);
    const stored = () => repository().countBy({ name: Like(`${kind} ${mode} %`) });
    await eventually(async () => (entered.length > 0 && (await stored()) === 7) || undefined);
    release();
    await saved;
    await eventually(() => entered.length === 7 || undefined);
    const names = heard.map(({ payload }) => (payload as Item).name);
    expect(names.sort()).toEqual([...'abcdefg'].map((name) => item(name).name));
    expect(troubles).toEqual([]);
  });

  it('what a handler saves while the broker stops is committed, with its event', async () => {
    await capture();
    const { entered, release, handler } = gate();
    const name = `last with ${kind}`;
    broker.subscribe('orders', async (event) => {
      await handler(event);
      await repository().save({ name, kilos: 1 });
    });
    const { id } = await broker.publish({ type: 'orders' });
    await eventually(() => entered.length === 1 || undefined);
    const stopped = broker.stop();
    release();
    await stopped;
    expect(await broker.provider.get(id)).toMatchObject({ status: 'completed' });
    expect(await repository().countBy({ name })).toBe(1);
    const { instanceId: instance_id, provider } = broker;
    expect(await provider.list({ instance_id, status: 'pending' })).toMatchObject([{ payload: { name } }]);
  });
});

it('an event that cannot be written fails the transaction: there is no change without its event', async () => {
  const broken = new DatabaseProvider({ pool, table: 'missing_events', createTable: false });
  const broker = new EventBroker({ provider: broken });
  jest.spyOn(broken, 'stream').mockImplementation(async () => (async function* () {})());
  await broker.start();
  const end = captureCrud(dataSource, { broker });
  const before = await dataSource.getRepository(Items).count();
  await expect(dataSource.getRepository(Items).save({ name: 'none', kilos: 1 })).rejects.toThrow('missing_events');
  end();
  expect(await dataSource.getRepository(Items).count()).toBe(before);
  await broker.stop();
});
