import { eventually } from '@tocsin/contracts/testing';
import { Stack } from '../kit/stack';
import { BuiltCopy, type Patch } from './built-copy';
import { hostileBodies } from './hostile-bodies';
import { aMessage, entriesReach, keepRunning, lettersOf, publishAll } from './ingest-kit';
import { limitMs, SIZE_NOTE, sized, WHOLE } from './size';
import { brokenPromises, readRows } from './verdict';

const messages = (count: number, more: (i: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, i) => aMessage(`m-${i}`, { tenant_id: `tenant-${i % 10}`, ...more(i) }));

describe('a message that is wrong', () => {
  let stack: Stack;
  beforeAll(async () => void (stack = await Stack.open({ gateways: 0 })), 60_000);
  afterAll(() => stack?.close(), 60_000);

  it(
    'in 500 ways, twice: nothing crashes, nothing comes again, and each has its reason, the same both times',
    async () => {
      const bodies = hostileBodies();
      expect(bodies).toHaveLength(500);
      for (const round of [1, 2]) {
        // the key says nothing: each is judged by its body alone
        for (const { body } of bodies) void stack.amqp.publish('hostile', body);
        await stack.amqp.publish('alert.low.inventory', aMessage(`behind-${round}`));
        await entriesReach(stack, round);
        await eventually(async () => expect(await lettersOf(stack)).toHaveLength(500 * round), 20_000);
      }
      const letters = await lettersOf(stack);
      const reasonsOf = ({ body }: { body: Buffer }) =>
        letters.filter((letter) => letter.body.equals(body.subarray(0, 65_536))).map(({ reason }) => reason);
      const wrong = bodies.filter((one) => {
        const reasons = reasonsOf(one);
        return reasons.length < 2 || reasons.some((reason) => reason !== one.reason);
      });
      expect(
        wrong.map((one) => `${one.name}: ${one.reason} expected, not ${[...new Set(reasonsOf(one))].join()}`),
      ).toEqual([]);
      const [processor] = stack.processors;
      expect(await processor!.metric('tocsin_source_redeliveries_total')).toBe(0);
      expect(processor!.unexpectedEnd).toBeUndefined();
    },
    limitMs(15),
  );
});

describe(`a message that ends the process${SIZE_NOTE}`, () => {
  // a process that starts takes a second of a core, and the limit is twenty
  const SHORT_LIMIT: Patch = {
    file: 'libs/rabbitmq/src/topology.js',
    search: 'DELIVERY_LIMIT = 20',
    replace: 'DELIVERY_LIMIT = 3',
  };
  let stack: Stack;
  let build: BuiltCopy;
  beforeAll(async () => {
    build = new BuiltCopy(WHOLE ? [] : [SHORT_LIMIT]);
    stack = await Stack.open({ gateways: 0, processors: 0 });
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    build?.remove();
  }, 60_000);

  it(
    'among 1,000, each time it is to be stored: 999 are stored, and it is on record',
    async () => {
      const good = messages(999);
      // the queues are there before there is anything for them
      const first = await stack.startProcessor({}, build.program('alert-processor'));
      await first.stop();
      const published = await publishAll(stack.amqp, [...good.slice(0, 500), aMessage('deadly'), ...good.slice(500)]);
      const restarted = keepRunning(stack, build.programBy('with-deadly-message', 'alert-processor', 'deadly'));
      let kills = 0;
      try {
        await entriesReach(stack, 999, limitMs(sized(60, 10)));
        await eventually(
          async () => expect((await lettersOf(stack)).map(({ reason }) => reason)).toEqual(['delivery_limit']),
          limitMs(sized(60, 10)),
        );
      } finally {
        kills = await restarted.stop();
      }
      expect(kills).toBeGreaterThan(0);
      const withoutDeadly = published.filter(({ id }) => id !== 'deadly');
      expect(
        brokenPromises({ published: withoutDeadly, histories: [await readRows(stack.database.url)], watchers: [] }),
      ).toEqual([]);
    },
    3 * limitMs(sized(60, 10)),
  );
});

describe(`a message that takes the database for ever${SIZE_NOTE}`, () => {
  const STATEMENT_TIMEOUT_MS = sized(5_000, 500);
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.open({ gateways: 0, processors: 0 });
    await stack.sql(`
      create function public.stand_still() returns trigger language plpgsql as $$ begin perform pg_sleep(3600); return new; end $$;
      create trigger for_ever before insert on tocsin.event for each row when (new.event_id = 'for-ever') execute function public.stand_still()`);
  }, 60_000);
  afterAll(() => stack?.close(), 60_000);

  it(
    'among 500: 499 are stored, it is on record, and no other tenant waits for it',
    async () => {
      const first = await stack.startProcessor({ DB_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) });
      // one batch, with it in the middle
      process.kill(first.pid, 'SIGSTOP');
      const good = messages(499);
      const published = await publishAll(stack.amqp, [...good.slice(0, 250), aMessage('for-ever'), ...good.slice(250)]);
      process.kill(first.pid, 'SIGCONT');
      const late = await eventually(async () => {
        const [waiting] = await stack.sql(
          `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
        );
        if (!waiting) throw new Error('it does not take the database');
        return publishAll(stack.amqp, [
          aMessage('meanwhile', { tenant_id: 'passer-by' }),
          aMessage('its-own-tenant', { severity: 'urgent' }),
        ]);
      });
      await entriesReach(stack, 501, 60_000);
      const letters = await eventually(async () => {
        const found = await lettersOf(stack);
        expect(found.map(({ reason }) => reason)).toEqual(['store_failed']);
        return found;
      }, 60_000);
      expect(JSON.parse(letters[0]!.body.toString())).toMatchObject({ id: 'for-ever' });
      const [last] = await stack.sql<{ stored_at: Date }>(
        'select max(received_at) as stored_at from tocsin.event where tenant_id <> $1',
        ['bakery'],
      );
      expect(last!.stored_at.getTime()).toBeLessThan(letters[0]!.buried_at.getTime());
      expect(
        brokenPromises({
          published: [...published.filter(({ id }) => id !== 'for-ever'), ...late],
          histories: [await readRows(stack.database.url)],
          watchers: [],
        }),
      ).toEqual([]);
    },
    limitMs(sized(90, 15)),
  );
});
