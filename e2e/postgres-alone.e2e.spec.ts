import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { LONE_ALERTS, tellsAtOnce } from './faults/bus-of-processes';
import { NetworkNamespace } from './faults/network-namespace';
import { PrivatePostgres } from './faults/private-services';
import { limitMs, SIZE_NOTE, sized } from './faults/size';
import { ask } from './kit/http';
import { violationsOf, type Published } from './kit/ledger';
import type { AppProcess } from './kit/processes';
import { SeededRandom } from './kit/seeded-random';
import { SseClient } from './kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from './kit/stack';
import { JWT_SECRET, tokenFor } from './kit/tokens';

const TENANTS = ['bakery', 'brewery', 'cafe'];
const CLIENTS = 9;
const MESSAGES = sized(20_000, 4_000);
/** Every tenth message is published twice. */
const REPEATED = 10;
const BATCH = 50;
/** No address of RabbitMQ or Redis: the processes could not use one. */
const ALONE = { QUEUE: 'postgres', BUS: 'postgres', RABBITMQ_URL: '', REDIS_URL: '' };

const seed = Number(process.env.SEED ?? 20_281);

const publishTo = (gateway: AppProcess, events: readonly object[]) =>
  ask(gateway.url, '/api/v1/events', {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${tokenFor('svc', { scope: 'events:publish' })}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(events),
  });

describe('PostgreSQL alone', () => {
  let stack: Stack;
  beforeAll(async () => {
    const tenants = Object.fromEntries(Array.from({ length: CLIENTS }, (_, i) => [`user-${i}`, [TENANTS[i % 3]!]]));
    stack = await Stack.open({
      tenants,
      gateways: 2,
      processors: 2,
      gatewayEnvironment: ALONE,
      processorEnvironment: ALONE,
    });
  }, 120_000);
  afterAll(() => stack?.close(), 60_000);

  tellsAtOnce(() => stack, ALONE);

  it('has no use for a processor whose session cannot connect: it is not ready until it waits for its turn', async () => {
    const proxy = await FaultProxy.to(stack.database.url);
    proxy.refuse();
    const cutOff = await stack.startProcessor({ DATABASE_LISTEN_URL: proxy.via(stack.database.url) });
    try {
      await eventually(async () => {
        const readiness = await fetch(`${cutOff.adminUrl}/readyz`);
        expect([readiness.status, await readiness.text()]).toEqual([503, expect.stringContaining('inbox_down')]);
      }, 60_000);
      expect(await cutOff.metric('tocsin_source_consumer_up', 'queue="inbox"')).toBe(0);
      expect(cutOff.log).toContainEqual(expect.objectContaining({ msg: 'a dependency is down', dependency: 'inbox' }));
      // one of the others consumes
      await eventually(async () => {
        const consuming = stack.processors.map((one) => one.metric('tocsin_source_consumer_up', 'queue="inbox"'));
        expect((await Promise.all(consuming)).sort()).toEqual([0, 0, 1]);
      }, 30_000);

      proxy.refuse(false);
      await eventually(async () => expect((await fetch(`${cutOff.adminUrl}/readyz`)).status).toBe(200), 60_000);
    } finally {
      stack.processors.splice(stack.processors.indexOf(cutOff), 1);
      await cutOff.stop();
      await proxy.close();
    }
  }, 180_000);

  it(
    `loses nothing and repeats nothing of ${MESSAGES} alerts, while both processors are killed in turn, every session is cut and a gateway is killed${SIZE_NOTE}`,
    async () => {
      const random = new SeededRandom(seed);
      const clients = Array.from(
        { length: CLIENTS },
        (_, i) => new SseClient(`user-${i}`, { headers: { Authorization: `Bearer ${tokenFor(`user-${i}`)}` } }),
      );
      const alive = () => stack.gateways[stack.gateways.length - 1]!;
      for (const [i, client] of clients.entries()) await client.connect(stack.eventsUrl(stack.gateways[i % 2]));

      const published: Published[] = [];
      const messages = Array.from({ length: MESSAGES }, (_, i) => ({
        tenant_id: random.of(TENANTS),
        service: 'inventory',
        severity: random.of(['urgent', 'high', 'medium', 'low']),
        id: `m-${i - (i % REPEATED === 0 && i > 0 ? 1 : 0)}`,
        name: 'low_stock',
        occurred_at: '2026-01-02T03:04:05Z',
      }));
      // a repeated message has the content of the one before it
      for (let i = REPEATED; i < MESSAGES; i += REPEATED) messages[i] = messages[i - 1]!;

      const faults: [after: number, fault: () => Promise<unknown>][] = [
        // one of the two consumes, and the other waits for its turn
        [0.2, () => replaceAProcessor()],
        [0.4, () => replaceAProcessor()],
        [0.6, () => cutEverySession()],
        [0.8, () => replaceAGateway()],
      ];
      for (let at = 0; at < MESSAGES; at += BATCH) {
        while (faults[0] && at >= faults[0][0] * MESSAGES) await faults.shift()![1]();
        const batch = messages.slice(at, at + BATCH);
        // a batch without an answer is sent again: its messages have ids
        await eventually(async () => {
          const { status } = await publishTo(stack.gateways.at(-1)!, batch);
          if (status !== 202) throw new Error(`answered ${status}`);
        }, 20_000);
        published.push(...batch.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: true })));
        for (const client of clients.filter(({ current }) => !current)) await comeBack(client);
      }
      const unique = new Set(messages.map(({ id }) => id)).size;
      await eventually(async () => {
        const rows = await stack.rows();
        if (rows.filter(({ event_id }) => event_id.startsWith('m-')).length < unique) throw new Error('not all stored');
      }, 60_000);
      const rows = await stack.rows();
      for (const client of clients) await comeBack(client);
      await eventually(() => {
        for (const [i, client] of clients.entries()) {
          const head = rows.filter(({ tenant_id }) => tenant_id === TENANTS[i % 3]).length;
          const seq = Number((client.current?.cursor ?? '').split('-').at(-2));
          if (seq !== head) throw new Error(`${client.name} is at ${seq} of ${head}`);
        }
      }, 30_000);

      const lone = Array.from({ length: LONE_ALERTS }, (_, i) => ({
        tenant_id: 'bakery',
        service: 'inventory',
        id: `lone-${i}`,
        confirmed: true,
      }));
      expect(
        violationsOf({
          published: [...lone, ...published],
          rows,
          transcripts: clients.map((client, i) => ({
            client: client.name,
            tenants: [TENANTS[i % 3]!],
            frames: client.frames,
            connectedAtTheEnd: true,
          })),
          logs: [stack.processes.output],
          secrets: [JWT_SECRET, TENANT_SERVICE_TOKEN],
        }).slice(0, 10),
      ).toEqual([]);
      for (const client of clients) {
        expect(client.faults).toEqual([]);
        client.disconnect();
      }
      expect(await stack.sql('select 1 from tocsin.inbox')).toEqual([]);

      /** Continues where the client's last stream ended. */
      async function comeBack(client: SseClient): Promise<void> {
        client.disconnect();
        await client.connect(stack.eventsUrl(alive()));
      }

      async function replaceAProcessor(): Promise<void> {
        await stack.processors.shift()!.kill();
        await stack.startProcessor();
      }

      async function cutEverySession(): Promise<void> {
        const cut = await stack.sql(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name like 'tocsin % session'`,
        );
        expect(cut.length).toBeGreaterThanOrEqual(3);
      }

      async function replaceAGateway(): Promise<void> {
        await stack.gateways.shift()!.kill();
        await stack.startGateway();
      }
    },
    limitMs(120),
  );
});

const reason = NetworkNamespace.whyNot();
(reason ? describe.skip : describe)(`the machine of the processor that consumes${reason ? ` (${reason})` : ''}`, () => {
  const server = process.env.DATABASE_URL;
  let namespace: NetworkNamespace | undefined;
  let postgres: PrivatePostgres | undefined;
  let stack: Stack | undefined;
  afterAll(async () => {
    namespace?.close();
    await stack?.close().finally(() => postgres?.remove());
    process.env.DATABASE_URL = server;
  }, 60_000);

  it('may vanish without a word: another processor stores soon afterwards', async () => {
    namespace = NetworkNamespace.open();
    postgres = await PrivatePostgres.startAlsoAt(namespace.hostAddress);
    // where the stack makes its database
    process.env.DATABASE_URL = postgres.url;
    const opened = await Stack.open({ processors: 0, gatewayEnvironment: ALONE, processorEnvironment: ALONE });
    stack = opened;
    const stored = (count: number) => eventually(async () => expect(await opened.rows()).toHaveLength(count), 60_000);
    const fromInside = Object.assign(new URL(stack.database.url), { hostname: namespace.hostAddress }).href;
    const vanishing = await stack.startProcessor(
      { DATABASE_URL: fromInside, LISTEN_ON: namespace.insideAddress },
      { by: ['ip', 'netns', 'exec', namespace.name] },
    );
    const alert = (id: string) => ({ tenant_id: 'bakery', service: 'inventory', severity: 'urgent', id, name: 'n' });
    expect((await publishTo(stack.gateway, [alert('before')])).status).toBe(202);
    await stored(1);
    const spare = await stack.startProcessor();
    expect(await spare.metric('tocsin_source_consumer_up')).toBe(0);

    namespace.silence();
    expect((await publishTo(stack.gateway, [alert('after')])).status).toBe(202);
    // with the defaults of a system it would take a quarter of an hour, or two hours
    await stored(2);
    expect(await spare.metric('tocsin_source_consumer_up')).toBe(1);
    await vanishing.kill();
  }, 180_000);
});
