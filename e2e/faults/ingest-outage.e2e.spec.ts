import { setTimeout as sleep } from 'node:timers/promises';
import { Stack } from '../kit/stack';
import { PrivatePostgres } from './private-services';
import { limitMs, SIZE_NOTE, sized } from './size';
import { SteadyLoad } from './steady-load';
import { brokenPromises, caughtUp, readRows, storedAll } from './verdict';
import { Watcher } from './watcher';

describe(`PostgreSQL is away while messages arrive${SIZE_NOTE}`, () => {
  const AWAY_S = sized(300, 20);
  const QUEUED = 5_000;
  const DRAINED_WITHIN_MS = 60_000;
  const TENANTS = ['bakery', 'brewery', 'cafe'];
  let postgres: PrivatePostgres;
  let stack: Stack;

  beforeAll(async () => {
    postgres = await PrivatePostgres.start();
    // where the stack makes its database; Jest gives each file an environment of its own
    process.env.DATABASE_URL = postgres.url;
    stack = await Stack.open({ tenants: { ana: TENANTS } });
  }, 90_000);
  afterAll(async () => {
    await stack?.close();
    await postgres?.remove();
  }, 60_000);

  it(
    `for ${AWAY_S} s, with ${QUEUED.toLocaleString('en')} queued and 100 a second arriving: nothing is dead, nothing is lost, and all is stored within ${DRAINED_WITHIN_MS / 1_000} s of its return`,
    async () => {
      const watcher = await new Watcher('ana', TENANTS, () => [stack.eventsUrl()]).start();
      const load = new SteadyLoad(stack.amqp, { tenants: TENANTS, perSecond: 100 });
      try {
        await load.burst(10);
        await storedAll(stack.database.url, load.published);
        await postgres.stop();
        await load.burst(QUEUED);
        load.start();
        await sleep(AWAY_S * 1_000);
        const [processor] = stack.processors;
        expect(processor!.unexpectedEnd).toBeUndefined();
        await postgres.start();
        await load.stop();

        const rows = await storedAll(stack.database.url, load.published, DRAINED_WITHIN_MS);
        await caughtUp([watcher], rows);
        expect(await stack.amqp.takeDead()).toEqual([]);
        expect(await processor!.metric('tocsin_ingest_messages_total', 'dead')).toBe(0);
        expect(
          brokenPromises({
            published: load.published,
            histories: [await readRows(stack.database.url)],
            watchers: [watcher],
            logs: [stack.processes.output],
          }).slice(0, 10),
        ).toEqual([]);
      } finally {
        await watcher.stop();
      }
    },
    limitMs(AWAY_S + 15),
  );
});
