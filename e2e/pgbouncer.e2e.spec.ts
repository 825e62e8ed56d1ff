import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { PgBouncer } from './kit/pgbouncer';
import { describeWith } from './kit/programs';
import { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const TENANTS = ['bakery', 'cafe', 'harbour'];
const EACH = 30;

/** The statements of the page for one role, which an operator pastes: the test runs what the page shows. */
function statementsFor(app: 'gateway' | 'processor' | 'notifier'): string[] {
  const page = readFileSync(join(__dirname, '..', 'docs', 'pgbouncer.md'), 'utf8');
  const [, sql] = /```sql\n([\s\S]*?)```/.exec(page)!;
  const statements = sql!
    .split(';')
    .map((text) => text.replace(/^--.*$/gm, '').trim())
    .filter((text) => text.includes(`tocsin_${app}_login`));
  const [create, ...rest] = statements;
  expect(create).toMatch(new RegExp(`^create role tocsin_${app}_login login password '…' in role tocsin_${app}$`));
  return [`grant tocsin_${app} to %`, ...rest.map((text) => text.replaceAll(`tocsin_${app}_login`, '%'))];
}

describeWith('pgbouncer', 'behind a real PgBouncer in transaction mode', () => {
  let stack: Stack;
  let pgbouncer: PgBouncer;
  beforeAll(async () => {
    stack = await Stack.open({
      gateways: 0,
      processors: 0,
      tenants: Object.fromEntries(TENANTS.map((tenant) => [`of-${tenant}`, [tenant]])),
    });
    // two connections for each role, and many more clients: every statement may run on another connection
    pgbouncer = await PgBouncer.before(
      stack.database.url,
      {
        gateway: statementsFor('gateway'),
        processor: statementsFor('processor'),
        notifier: statementsFor('notifier'),
        hasty: ['grant tocsin_gateway to %'],
        stranger: statementsFor('gateway').filter((text) => !text.startsWith('grant')),
      },
      2,
    );
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    await pgbouncer?.close();
  });

  const through = (login: string, more = {}) => ({ DATABASE_URL: pgbouncer.url(login), DB_POOLER: 'on', ...more });

  it('what is published over AMQP and HTTP reaches the streams of its tenant and no other, live, replayed and by request', async () => {
    await Promise.all([
      stack.startProcessor(through('processor')),
      stack.startProcessor(through('processor')),
      stack.startGateway(through('gateway')),
      stack.startGateway(through('gateway')),
      stack.startNotifier(through('notifier')),
    ]);
    const streams = await Promise.all(
      TENANTS.flatMap((tenant) => stack.gateways.map((gateway) => stack.watch(`of-${tenant}`, { gateway }))),
    );
    const publishers = TENANTS.map(async (tenant) => {
      for (let n = 0; n < EACH; n += 1)
        await stack.amqp.publish('alert.high.inventory', {
          id: `${tenant}-${n}`,
          tenant_id: tenant,
          message: `for ${tenant} alone`,
        });
    });
    const readers = TENANTS.flatMap((tenant) =>
      Array.from({ length: 10 }, async () => {
        const answer = await ask(stack.gateway.url, '/api/v1/events?limit=100', {
          headers: { Authorization: `Bearer ${tokenFor(`of-${tenant}`)}` },
        });
        expect(answer.status).toBe(200);
        for (const { tenant_id } of answer.json.events as { tenant_id: string }[]) expect(tenant_id).toBe(tenant);
      }),
    );
    await Promise.all([...publishers, ...readers]);
    await stack.stored(TENANTS.length * EACH);
    const seen = (frames: { data: string }[]) =>
      frames
        .map(({ data }) => JSON.parse(data) as { tenant_id?: string; seq?: number })
        .filter(({ seq }) => seq !== undefined);
    await eventually(() => {
      for (const [i, stream] of streams.entries()) {
        const tenant = TENANTS[Math.floor(i / 2)]!;
        expect(seen(stream.frames).map(({ tenant_id, seq }) => [tenant_id, seq])).toEqual(
          Array.from({ length: EACH }, (_, n) => [tenant, n + 1]),
        );
      }
    }, 20_000);
    for (const stream of streams) stream.close();

    const again = await SseStream.open(`${stack.eventsUrl()}?since=5&severity=high`, {
      headers: { Authorization: `Bearer ${tokenFor('of-cafe')}` },
    });
    await eventually(() =>
      expect(seen(again.frames).map(({ tenant_id, seq }) => [tenant_id, seq])).toEqual(
        [26, 27, 28, 29, 30].map((seq) => ['cafe', seq]),
      ),
    );
    again.close();
    for (const { log } of [...stack.gateways, ...stack.processors, ...stack.notifiers])
      expect(log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  }, 60_000);

  it('no row is to be seen on a connection that has just served a tenant, and no setting stays on it', async () => {
    const mine = `begin; select set_config('tocsin.tenants', '{bakery}', true)`;
    for (let turn = 0; turn < 5; turn += 1) {
      const [first, second] = mine.split('; ');
      expect(
        await pgbouncer.query('gateway', first!, second!, 'select count(*)::int as rows from tocsin.event'),
      ).toEqual([{ rows: EACH }]);
      const after = `select count(*)::int as rows, coalesce(current_setting('tocsin.tenants', true), '') as tenants from tocsin.event`;
      expect(await pgbouncer.query('gateway', after)).toEqual([{ rows: 0, tenants: '' }]);
    }
    for (const login of ['gateway', 'processor', 'notifier']) {
      for (let turn = 0; turn < 5; turn += 1) {
        expect(
          await pgbouncer.query(
            login,
            `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock, current_setting('timezone') as zone`,
          ),
        ).toEqual([{ statement: '5s', lock: '2s', zone: 'UTC' }]);
      }
    }
    expect(await pgbouncer.query('hasty', `select current_setting('statement_timeout') as statement`)).toEqual([
      { statement: '0' },
    ]);
  });

  it.each([
    ['without DB_POOLER', 'gateway', { DB_POOLER: 'off' }, /set DB_POOLER=on \(docs\/pgbouncer\.md\)/],
    [
      'with a role that brings no settings along',
      'hasty',
      {},
      /has no statement_timeout of 5000 ms .*has no lock_timeout, has no idle_in_transaction_session_timeout/,
    ],
    ['with a role of another app', 'processor', {}, /is no member of tocsin_gateway/],
    ['with a role of no app', 'stranger', {}, /is no member of tocsin_gateway/],
  ])('a gateway %s does not start, and says why', async (_, login, more, expected) => {
    const { code, stdout } = await stack.processes.run('gateway', {
      ...stack.gatewayEnvironment,
      ...through(login, more),
      DB_READY_TIMEOUT: '1500',
    });
    expect(code).not.toBe(0);
    expect(stdout).toMatch(expected);
  });

  it('a migration wants an address of the database itself', async () => {
    const { code, stderr, stdout } = await stack.processes.run('cli', { ...through('gateway') }, ['migrate']);
    expect(code).toBe(78);
    expect(stderr + stdout).toContain('DATABASE_MIGRATION_URL is required with DB_POOLER');
    const direct = await stack.processes.run(
      'cli',
      { ...through('gateway'), DATABASE_MIGRATION_URL: stack.database.url },
      ['migrate'],
    );
    expect(direct.code).toBe(0);
  });
});
