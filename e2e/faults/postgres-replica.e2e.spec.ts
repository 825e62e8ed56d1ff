import { Client } from 'pg';
import { aPlannedEvent, aTenant, eventually } from '@tocsin/contracts/testing';
import { Database, PostgresEventLog, ReplicaEventLog } from '@tocsin/postgres';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { Stack } from '../kit/stack';
import { PrivatePostgres } from './private-services';
import { describeWhole } from './size';

describeWhole('a log whose long reads go to a standby', () => {
  const tenant = aTenant();
  let primary: PrivatePostgres;
  let standby: PrivatePostgres;
  let fresh: FreshDatabase;
  let databases: Database[] = [];
  let writer: PostgresEventLog;
  let log: ReplicaEventLog;
  let away = 0;

  beforeAll(async () => {
    primary = await PrivatePostgres.start();
    process.env.DATABASE_URL = primary.url;
    fresh = await freshDatabase();
    standby = await primary.startStandby();
    databases = (
      [
        [fresh.url, 'tocsin_processor'],
        [fresh.url, 'tocsin_gateway'],
        [standbyOf(fresh), 'tocsin_gateway'],
      ] as const
    ).map(([url, role]) => new Database({ connection: { url }, role }));
    const [processor, gateway, replica] = databases.map((database) => new PostgresEventLog(database));
    writer = processor!;
    log = new ReplicaEventLog(gateway!, replica!, () => (away += 1));
    await append(300);
    await eventually(async () => expect(await replica!.after(tenant, 0, 500)).toHaveLength(300));
  }, 90_000);
  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await fresh?.drop();
    await standby?.remove();
    await primary?.remove();
  }, 60_000);

  const standbyOf = ({ url }: FreshDatabase): string => standby.url.replace(/\/postgres$/, new URL(url).pathname);
  const count = async (url: string, sql: string): Promise<number> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    return client
      .query(sql)
      .then(({ rowCount }) => rowCount!)
      .finally(() => client.end());
  };
  const append = (count: number, to = writer) =>
    to.append(Array.from({ length: count }, () => aPlannedEvent({ tenant_id: tenant })));
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
  const read = async (limit: number) => (await log.after(tenant, 0, limit)).map(({ seq }) => seq);

  it('a gateway with DATABASE_REPLICA_URL replays from the standby', async () => {
    const stack = await Stack.open({ processors: 0, gateways: 0, tenants: { ana: [tenant] } });
    const database = new Database({ connection: { url: stack.database.url }, role: 'tocsin_processor' });
    try {
      const onReplica = standbyOf(stack.database);
      const first = await stack.startGateway({ DATABASE_REPLICA_URL: onReplica });
      const { cursor } = await stack.watch('ana', { gateway: first });
      await append(300, new PostgresEventLog(database));
      await eventually(async () => expect(await count(onReplica, 'select from tocsin.event')).toBe(300));

      // this process has no entry in memory
      const second = await stack.startGateway({ DATABASE_REPLICA_URL: onReplica });
      const stream = await stack.watch('ana', { gateway: second, cursor });
      await eventually(() =>
        expect(stream.entries.map(({ data }) => (JSON.parse(data) as { seq: number }).seq)).toEqual(numbers(300)),
      );
      const reads = "select from pg_stat_activity where datname = current_database() and query ~ 'entries_after'";
      expect(await count(onReplica, reads)).toBeGreaterThan(0);
    } finally {
      await database.close();
      await stack.close();
    }
  });

  it('reads a page from the standby while the primary is silent', async () => {
    primary.freeze();
    try {
      expect(await read(200)).toEqual(numbers(200));
    } finally {
      primary.thaw();
    }
  });

  it('reads what the standby has not replayed yet from the primary', async () => {
    const operator = new Client({ connectionString: standby.url });
    await operator.connect();
    await operator.query('select pg_wal_replay_pause()');
    await operator.end();
    await append(50);
    expect(await read(500)).toEqual(numbers(350));
    expect(away).toBe(0);
  });

  it('reads everything from the primary while the standby is away', async () => {
    await standby.kill();
    expect(await read(500)).toEqual(numbers(350));
    expect(away).toBe(1);
  });
});
