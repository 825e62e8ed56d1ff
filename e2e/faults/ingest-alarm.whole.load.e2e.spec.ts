import { eventually } from '@tocsin/contracts/testing';
import { ask } from '../kit/http';
import type { Published } from '../kit/ledger';
import { Stack } from '../kit/stack';
import { publisherToken } from '../kit/tokens';
import { figures } from './figures';
import { aMessage, entriesOf, entriesReach, publishAll } from './ingest-kit';
import { PrivateRabbit } from './private-rabbitmq';
import { limitMs } from './size';
import { brokenPromises, storedAll } from './verdict';

describe('a RabbitMQ that is short of memory', () => {
  let rabbit: PrivateRabbit;
  let stack: Stack;
  const published: Published[] = [];

  beforeAll(async () => {
    rabbit = await PrivateRabbit.start();
    // where the stack connects; Jest gives each file an environment of its own
    process.env.RABBITMQ_URL = rabbit.url;
    stack = await Stack.open({ tenants: { ana: ['bakery'] } });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    await rabbit?.remove();
  }, 60_000);

  const ALARM_S = 60;
  /** After so many requests the memory of the gateway is read. */
  const READ_EVERY = 400;

  it(
    `has an alarm for ${ALARM_S} s: publishers are refused within 5 s and keep no backlog, consumers go on, and nothing is lost`,
    async () => {
      const { gateway } = stack;
      const [processor] = stack.processors;
      const before = await entriesOf(stack);
      const door = (id: string) =>
        ask(gateway.url, '/api/v1/events', {
          method: 'POST',
          headers: { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' },
          body: JSON.stringify(aMessage(id, { message: 'x'.repeat(8_000) })),
        });
      const isTaken = async (id: string) => expect((await door(id)).status).toBe(202);
      await eventually(() => isTaken('before-the-alarm'), 30_000);
      published.push({ tenant_id: 'bakery', service: 'inventory', id: 'before-the-alarm', confirmed: true });
      await entriesReach(stack, before + 1);

      // the processor has messages to take when the alarm comes, and it has taken none of them
      process.kill(processor!.pid, 'SIGSTOP');
      published.push(
        ...(await publishAll(
          stack.amqp,
          Array.from({ length: 300 }, (_, i) => aMessage(`backlog-${i}`)),
        )),
      );
      await rabbit.raiseMemoryAlarm();
      process.kill(processor!.pid, 'SIGCONT');
      const raisedAt = performance.now();
      const endsAt = raisedAt + ALARM_S * 1_000;
      const inUse = async () =>
        (await gateway.metric('nodejs_heap_size_used_bytes')) + (await gateway.metric('nodejs_external_memory_bytes'));
      const memory: number[] = [];
      let slowestMs = 0;
      for (let n = 0; performance.now() < endsAt; n += 20) {
        const startedAt = performance.now();
        const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => door(`alarm-${n + i}`)));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
        slowestMs = Math.max(slowestMs, performance.now() - startedAt);
        if (n % READ_EVERY === 0) memory.push(await inUse());
        // the message may still arrive
        for (let i = 0; i < 20; i += 1)
          published.push({ tenant_id: 'bakery', service: 'inventory', id: `alarm-${n + i}`, confirmed: false });
      }
      await entriesReach(stack, before + 301);
      // between two collections garbage comes and goes: what is kept shows in the lowest readings
      const middle = memory.length >> 1;
      const grownMiB = (Math.min(...memory.slice(middle)) - Math.min(...memory.slice(middle / 2, middle))) / 2 ** 20;
      figures(5, `a memory alarm for ${ALARM_S} s`, {
        'answered, ms': { is: slowestMs, atMost: 5_000 },
        'memory, MiB': { is: grownMiB, atMost: 50 },
      });
      expect(slowestMs).toBeLessThan(5_000);
      expect(grownMiB).toBeLessThan(50);
      await rabbit.clearMemoryAlarm();
      await eventually(() => isTaken('behind-the-alarm'), 30_000);
      published.push({ tenant_id: 'bakery', service: 'inventory', id: 'behind-the-alarm', confirmed: true });
      expect(
        brokenPromises({
          published,
          histories: [await storedAll(stack.database.url, published, 60_000)],
          watchers: [],
        }).slice(0, 10),
      ).toEqual([]);
      expect(await stack.sql('select reason from tocsin.dead_letter')).toEqual([]);
    },
    limitMs(ALARM_S + 20),
  );
});
