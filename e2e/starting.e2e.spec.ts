import { Client } from 'pg';
import { eventually } from '@tocsin/contracts/testing';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { Processes, type App } from './kit/processes';
import { Stack } from './kit/stack';
import { JWT_SECRET } from './kit/tokens';

/** EX_CONFIG of sysexits.h. */
const EXIT_CONFIGURATION = 78;
const SERVERS: App[] = ['gateway', 'alert-processor', 'notifier'];

describe.each(SERVERS)('a start of the %s', (app) => {
  const processes = new Processes();
  let database: FreshDatabase;
  beforeAll(async () => (database = await freshDatabase()));
  afterAll(async () => {
    await processes.close();
    await database.drop();
  });
  const environment = (databaseUrl: string) => ({
    DATABASE_URL: databaseUrl,
    REDIS_URL: process.env.REDIS_URL!,
    RABBITMQ_URL: process.env.RABBITMQ_URL!,
    JWT_SECRET,
    PORT: '0',
    ADMIN_PORT: '0',
  });
  async function asOwner(sql: string): Promise<void> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  it('on a database of an older version says so in one line with the command, at once', async () => {
    await asOwner("comment on schema tocsin is 'migrated to 3'");
    const { code, stdout, stderr } = await processes.run(app, environment(database.url));
    expect({ code, stdout }).toEqual({ code: EXIT_CONFIGURATION, stdout: '' });
    expect(stderr).toMatch(
      /^The database "\w+" is migrated to 3, and this version needs \d+\. Run: npm run migrate\n$/,
    );
  });

  it('on a database that was never migrated says so in one line with the command, at once', async () => {
    await asOwner('drop schema tocsin cascade');
    // DB_READY_TIMEOUT is 120 s: a process that waited for the schema would be killed after 40 s
    const { code, stdout, stderr } = await processes.run(app, environment(database.url));
    expect({ code, stdout }).toEqual({ code: EXIT_CONFIGURATION, stdout: '' });
    expect(stderr).toMatch(/^The database "\w+" has no schema "tocsin"\. Run: npm run migrate\n$/);
  });

  it('without a database says so first, without a stack, and waits', async () => {
    const launched = processes.launch(app, environment('postgresql://u:canary@127.0.0.1:1/x'));
    await eventually(() => expect(launched.log.map(({ msg }) => msg)).toContain('waiting for dependencies'), 40_000);
    const [first] = launched.log;
    expect(first).toMatchObject({
      level: 'warn',
      msg: 'PostgreSQL cannot be reached: connect ECONNREFUSED 127.0.0.1:1. The start waits for it (DB_READY_TIMEOUT).',
    });
    expect(first).not.toHaveProperty('err');
    expect(launched.output).not.toContain('canary');
    await launched.stop();
  });
});

describe('the log of a start, and of one alert', () => {
  let stack: Stack;
  beforeAll(async () => {
    const environment = { LOG_LEVEL: 'debug', STREAM_QUERY_TOKN: 'deny', RETENTION_DAY: '3' };
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gatewayEnvironment: environment,
      processorEnvironment: environment,
    });
    await stack.startNotifier();
  });
  afterAll(() => stack?.close());

  it('of each app counts what is enabled and names every warning, in one line', () => {
    const [gateway, processor, notifier] = [stack.gateway, stack.processors[0]!, stack.notifiers[0]!].map(({ log }) => {
      const reports = log.filter(({ msg }) => /^\d+ enabled, \d+ warnings?$/.test(String(msg)));
      expect(reports).toHaveLength(1);
      const { msg, enabled, warnings } = reports[0] as { msg: string; enabled: string[]; warnings: string[] };
      expect(msg).toMatch(new RegExp(`^${enabled.length} enabled, ${warnings.length} warnings?$`));
      return warnings;
    });
    expect(gateway).toEqual(
      expect.arrayContaining([
        expect.stringContaining('set STREAM_QUERY_TOKEN to deny'),
        expect.stringContaining('STREAMS_PER_USER'),
        'STREAM_QUERY_TOKN is set, and there is no setting of this name. Did you mean STREAM_QUERY_TOKEN?',
      ]),
    );
    expect(processor).toEqual([
      'RETENTION_DAY is set, and there is no setting of this name. Did you mean RETENTION_DAYS?',
    ]);
    expect(notifier).toEqual([expect.stringContaining('no provider for'), expect.stringContaining('PUBLIC_URL')]);
  });

  it('at debug names the same topic on both sides, so that an alert that does not arrive can be found', async () => {
    const stream = await stack.watch('ana');
    await stack.amqp.publish('alert.high.ovens', { tenant_id: 'bakery', title: 'Oven 2 is cold' });
    await stream.frame('notification');
    stream.close();
    const topic = `${stack.prefix}alerts:bakery`;
    expect(stack.gateway.log).toContainEqual(
      expect.objectContaining({
        level: 'debug',
        msg: 'subscribed to the hints of a tenant',
        tenant_id: 'bakery',
        topic,
      }),
    );
    await eventually(() =>
      expect(stack.processors[0]!.log).toContainEqual(
        expect.objectContaining({
          level: 'debug',
          msg: 'hints published',
          tenant_id: 'bakery',
          topic,
          hints: 1,
          subscribers: 1,
        }),
      ),
    );
  });
});
