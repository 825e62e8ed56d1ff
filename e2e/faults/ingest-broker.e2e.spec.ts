import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { AlertPublisher } from '@tocsin/publisher';
import { connect } from 'amqplib';
import type { Published } from '../kit/ledger';
import { PlainAmqp } from '../kit/plain-amqp';
import { Stack } from '../kit/stack';
import { BuiltCopy } from './built-copy';
import { figures } from './figures';
import { aMessage, entriesOf, entriesReach, type Message } from './ingest-kit';
import { PrivateRabbit } from './private-rabbitmq';
import { limitMs, SIZE_NOTE, sized } from './size';
import { brokenPromises, storedAll } from './verdict';

const RESUMED_WITHIN_MS = 5_000;
/** The age of the queues, in seconds, when their broker is killed for the first time. */
const QUEUE_AGE_S = 10;

describe(`with a RabbitMQ of its own${SIZE_NOTE}`, () => {
  let rabbit: PrivateRabbit;
  let build: BuiltCopy;
  let stack: Stack;
  let publisher: AlertPublisher;
  const published: Published[] = [];

  beforeAll(async () => {
    rabbit = await PrivateRabbit.start();
    // where the stack connects; Jest gives each file an environment of its own
    process.env.RABBITMQ_URL = rabbit.url;
    build = new BuiltCopy();
    stack = await Stack.open({ processors: 0, gateways: 0 });
    await stack.startProcessor({}, build.programBy('with-channel-errors', 'alert-processor'));
    publisher = new AlertPublisher({ url: rabbit.url, exchange: stack.amqp.exchange });
    await publisher.connect();
  }, 120_000);
  afterAll(async () => {
    await publisher?.close();
    await stack?.close();
    build?.remove();
    await rabbit?.remove();
  }, 60_000);

  /**
   * Publishes again under the same id until the broker confirms, as a service does. Resolves once all are confirmed,
   * and rejects after 45 s.
   */
  async function insist(messages: readonly Message[]): Promise<void> {
    const until = performance.now() + 45_000;
    const records = messages.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: false }));
    published.push(...records);
    for (let open = messages; open.length > 0;) {
      const outcomes = await publisher.publish(open as Parameters<AlertPublisher['publish']>[0]).catch(() => []);
      const confirmed = new Set(outcomes.filter(({ outcome }) => outcome === 'confirmed').map(({ id }) => id));
      for (const record of records) record.confirmed ||= confirmed.has(record.id);
      open = open.filter(({ id }) => !confirmed.has(id));
      if (performance.now() > until) throw new Error(`${open.length} messages were not confirmed within 45 s.`);
      if (open.length > 0) await sleep(50);
    }
  }

  async function expectPromisesKept(): Promise<void> {
    expect(
      brokenPromises({
        published,
        histories: [await storedAll(stack.database.url, published, 60_000)],
        watchers: [],
      }).slice(0, 10),
    ).toEqual([]);
    expect(await stack.sql('select reason from tocsin.dead_letter')).toEqual([]);
  }

  const KILLS = sized(10, 1);
  const MESSAGES = sized(10_000, 2_000);

  it(
    `killed ${KILLS} times in the middle of ${MESSAGES.toLocaleString('en')} publishes: what it confirmed is stored, once`,
    async () => {
      // RabbitMQ 3.10, killed within seconds of the declaration of a quorum queue, may find the queue without a leader
      // afterwards
      for (let n = 0; n < QUEUE_AGE_S * 4; n += 1) {
        await insist([aMessage(`early-${n}`)]);
        await sleep(250);
      }
      const BATCH = 50;
      const killAfter = new Set(
        Array.from({ length: KILLS }, (_, i) => Math.floor(((i + 0.5) * MESSAGES) / KILLS / BATCH) * BATCH),
      );
      for (let n = 0; n < MESSAGES; n += BATCH) {
        const publishing = insist(
          Array.from({ length: BATCH }, (_, i) => aMessage(`m-${n + i}`, { tenant_id: `tenant-${i % 5}` })),
        );
        // the broker is killed in the middle of this batch, and of the processor's work
        if (killAfter.has(n)) await rabbit.kill().then(() => rabbit.start());
        await publishing;
      }
      stack.amqp = await PlainAmqp.connect(rabbit.url, stack.prefix);
      await expectPromisesKept();
    },
    limitMs(sized(200, 20)),
  );

  const TIMES = sized(50, 3);

  it(
    `takes the consumer away in every way, ${TIMES} times: the next message is stored within ${RESUMED_WITHIN_MS} ms`,
    async () => {
      const [processor] = stack.processors;
      const said = (what: string) => processor!.log.filter(({ msg }) => msg === what).length;
      const ways = [
        {
          name: 'channels that the broker closed',
          fault: async () => {
            const before = said('channels closed');
            process.kill(processor!.pid, 'SIGUSR2');
            await eventually(() => expect(said('channels closed')).toBe(before + 1));
          },
        },
        {
          // the consumer is cancelled, and a client that needs the queue has to declare it
          name: 'a queue that was deleted',
          fault: async () => {
            const operator = await connect(rabbit.url);
            await (await operator.createChannel()).deleteQueue(`${stack.prefix}alert-processor`);
            await operator.close();
          },
        },
        {
          name: 'connections that an operator closed',
          fault: async () => {
            await rabbit.closeConnections();
            stack.amqp = await PlainAmqp.connect(rabbit.url, stack.prefix);
          },
        },
      ];
      const took: { name: string; ms: number }[] = [];
      for (let n = 0; n < TIMES; n += 1) {
        const { name, fault } = ways[n % ways.length]!;
        const before = await entriesOf(stack);
        await fault();
        const startedAt = performance.now();
        await insist([aMessage(`after-${n}`)]);
        await entriesReach(stack, before + 1);
        took.push({ name, ms: performance.now() - startedAt });
      }
      for (const { name } of ways) {
        const slowest = Math.max(...took.filter((one) => one.name === name).map(({ ms }) => ms));
        figures(6, name, { 'resumed, ms': { is: slowest, atMost: RESUMED_WITHIN_MS } });
      }
      expect(took.filter(({ ms }) => ms > RESUMED_WITHIN_MS)).toEqual([]);
      await expectPromisesKept();
    },
    limitMs(sized(120, 10)),
  );
});
