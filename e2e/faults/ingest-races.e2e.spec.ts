import { aPlannedEvent, aTenant, eventually } from '@tocsin/contracts/testing';
import { FaultProxy, type ProxiedConnection } from '@tocsin/fault-proxy';
import { Database, PostgresEventLog } from '@tocsin/postgres';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { randomBytes } from 'node:crypto';
import { PlainAmqp } from '../kit/plain-amqp';
import { SeededRandom } from '../kit/seeded-random';
import { Stack } from '../kit/stack';
import { aMessage, entriesReach, publishAll } from './ingest-kit';
import { limitMs, SIZE_NOTE, sized } from './size';
import { brokenPromises, readRows, storedAll } from './verdict';

/**
 * Log lines that would alert an operator: an error, or a batch that is tried again. A connection that a busy machine
 * opens too late is not one, nor that a database so busy keeps the key for hints waiting.
 */
const complaintsOf = (stack: Stack): unknown[] =>
  stack.processors.flatMap(({ log }) =>
    log.filter(
      (line) =>
        ['warn', 'error', 'fatal'].includes(line.level as string) &&
        line.dependency === undefined &&
        !/cannot be reached|no key for hints/.test(JSON.stringify(line)),
    ),
  );

describe(`one message that comes to many processors at once${SIZE_NOTE}`, () => {
  const PROCESSORS = sized(8, 4);
  const MESSAGES = 1_000;
  let stack: Stack;
  const brokers: PlainAmqp[] = [];

  beforeAll(async () => {
    stack = await Stack.open({ gateways: 0, processors: 0 });
    // one database, and queues of its own for each processor, so that every message reaches all of them
    const prefixes = Array.from({ length: PROCESSORS }, () => `e2e-${randomBytes(5).toString('hex')}.`);
    await Promise.all(prefixes.map((RABBITMQ_PREFIX) => stack.startProcessor({ RABBITMQ_PREFIX })));
    for (const prefix of prefixes) brokers.push(await PlainAmqp.connect(process.env.RABBITMQ_URL!, prefix));
  }, 90_000);
  afterAll(async () => {
    for (const processor of stack?.processors ?? []) await processor.stop();
    for (const broker of brokers) await broker.close();
    await stack?.close();
  }, 60_000);

  it(
    `${MESSAGES} messages, each to ${PROCESSORS} processors: one row each, numbered without a hole, and no errors`,
    async () => {
      const messages = Array.from({ length: MESSAGES }, (_, i) => aMessage(`m-${i}`, { tenant_id: `tenant-${i % 7}` }));
      const [published] = await Promise.all(brokers.map((broker) => publishAll(broker, messages)));
      await eventually(async () => {
        const handled = await Promise.all(
          stack.processors.map((processor) => processor.metric('tocsin_ingest_messages_total')),
        );
        expect(handled).toEqual(Array.from({ length: PROCESSORS }, () => MESSAGES));
      }, 30_000);
      expect(
        brokenPromises({ published: published!, histories: [await readRows(stack.database.url)], watchers: [] }),
      ).toEqual([]);
      expect(complaintsOf(stack)).toEqual([]);
    },
    limitMs(15),
  );
});

describe(`workers whose batches share tenants${SIZE_NOTE}`, () => {
  const WORKERS = 8;
  const SECONDS = sized(60, 4);
  let database: FreshDatabase;
  beforeAll(async () => void (database = await freshDatabase()), 60_000);
  afterAll(() => database?.drop());

  it(
    `${WORKERS} of them for ${SECONDS} s: no error surfaces, and every number is there once`,
    async () => {
      const tenants = Array.from({ length: 20 }, (_, i) => aTenant(`tenant-${i}`));
      const endsAt = performance.now() + SECONDS * 1_000;
      const work = async (worker: number): Promise<string[]> => {
        const random = new SeededRandom(worker);
        const pool = new Database({
          connection: { url: database.url },
          role: 'tocsin_processor',
          poolSize: 1,
          connectTimeoutMs: 20_000,
        });
        const log = new PostgresEventLog(pool);
        const ids: string[] = [];
        try {
          for (let n = 0; n === 0 || performance.now() < endsAt; n += 1) {
            const batch = Array.from({ length: random.between(1, 50) }, (_, i) =>
              aPlannedEvent({ tenant_id: random.of(tenants), id: `${worker}-${n}-${i}` }),
            );
            const results = await log.append(batch);
            expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['stored']));
            ids.push(...batch.map(({ message }) => `${message.tenant_id} ${message.id}`));
          }
        } finally {
          await pool.close();
        }
        return ids;
      };
      const published = (await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker))))
        .flat()
        .map((key) => {
          const [tenant_id = '', id = ''] = key.split(' ');
          return { tenant_id, service: 'inventory', id, confirmed: true };
        });
      expect(brokenPromises({ published, histories: [await readRows(database.url)], watchers: [] })).toEqual([]);
    },
    limitMs(SECONDS),
  );
});

describe(`a connection that is cut between a commit and its answer${SIZE_NOTE}`, () => {
  const CUTS = sized(200, 8);
  /**
   * A column of the storing function's result: the server sends it after the commit, and only this test cuts the
   * connection there.
   */
  const ANSWER = /prev_fp\0/;
  let stack: Stack;
  let proxy: FaultProxy;

  beforeAll(async () => {
    stack = await Stack.open({ gateways: 0, processors: 0 });
    proxy = await FaultProxy.to(stack.database.url);
    await stack.startProcessor({ DATABASE_URL: proxy.via(stack.database.url) });
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    await proxy?.close();
  }, 60_000);

  it(
    `${CUTS} times: every message is stored, once`,
    async () => {
      const published = [];
      for (let cuts = 0; cuts < CUTS; cuts += 1) {
        const armed: ProxiedConnection[] = [...proxy.connections];
        proxy.onConnection = (connection) => {
          connection.cutOn(ANSWER, 'to_client');
          armed.push(connection);
        };
        for (const connection of armed) connection.cutOn(ANSWER, 'to_client');
        published.push(...(await publishAll(stack.amqp, [aMessage(`cut-${cuts}`)])));
        await eventually(() => expect(armed.some(({ open }) => !open)).toBe(true), 20_000);
        // the row existed before its response, and the processor does not know it
        await entriesReach(stack, cuts + 1);
        proxy.onConnection = () => undefined;
        for (const connection of armed) connection.heal();
        await eventually(
          async () => expect(await stack.processors[0]!.metric('tocsin_ingest_messages_total')).toBe(cuts + 1),
          20_000,
        );
      }
      expect(await stack.processors[0]!.metric('tocsin_ingest_messages_total', 'duplicate')).toBe(CUTS);
      expect(
        brokenPromises({ published, histories: [await storedAll(stack.database.url, published)], watchers: [] }),
      ).toEqual([]);
    },
    limitMs(sized(200, 10)),
  );
});

describe('an alert whose messages overtake each other', () => {
  const ALERTS = 1_000;
  let stack: Stack;
  beforeAll(async () => void (stack = await Stack.open({ gateways: 0, processors: 2 })), 60_000);
  afterAll(() => stack?.close(), 60_000);

  it(
    `${ALERTS} times \`resolved\` before its \`firing\`: none stays open`,
    async () => {
      const at = Date.now();
      const messageOf = (status: 'firing' | 'resolved', n: number) =>
        // in one third `resolved` is in the urgent lane, which is faster; in one third it is sent together with its
        // `firing`
        aMessage(`${status}-${n}`, {
          status,
          dedup_key: `key-${n}`,
          severity: status === 'resolved' && n % 3 === 0 ? 'urgent' : 'low',
          occurred_at: new Date(status === 'firing' && n % 3 !== 1 ? at - 1_000 : at).toISOString(),
        });
      const numbers = Array.from({ length: ALERTS }, (_, n) => n);
      const published = await publishAll(stack.amqp, [
        ...numbers.map((n) => messageOf('resolved', n)),
        ...numbers.map((n) => messageOf('firing', n)),
      ]);
      const rows = await storedAll(stack.database.url, published);
      expect(brokenPromises({ published, histories: [rows], watchers: [] })).toEqual([]);
      const alerts = await stack.sql<{ status: string; alerts: number }>(
        'select status, count(*)::int as alerts from tocsin.alert group by status',
      );
      expect(alerts).toEqual([{ status: 'resolved', alerts: ALERTS }]);
    },
    limitMs(10),
  );
});
