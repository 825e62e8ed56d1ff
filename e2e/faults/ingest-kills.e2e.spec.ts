import { eventually } from '@tocsin/contracts/testing';
import { Stack } from '../kit/stack';
import { BuiltCopy } from './built-copy';
import { entriesOf, launchDoomed } from './ingest-kit';
import { limitMs, SIZE_NOTE, sized } from './size';
import { SteadyLoad } from './steady-load';
import { brokenPromises, caughtUp, storedAll } from './verdict';
import { Watcher } from './watcher';

const KILLS = sized(200, 2);

describe(`a processor that is killed again and again${SIZE_NOTE}`, () => {
  let stack: Stack;
  let build: BuiltCopy;
  let watcher: Watcher;
  const loads: SteadyLoad[] = [];

  beforeAll(async () => {
    build = new BuiltCopy();
    stack = await Stack.open({ tenants: { ana: ['bakery'] } });
    await stack.processors[0]!.stop();
    watcher = await new Watcher('ana', ['bakery'], () => [stack.eventsUrl()]).start();
  }, 60_000);
  afterAll(async () => {
    await watcher?.stop();
    await stack?.close();
    build?.remove();
  }, 60_000);

  it.each([
    ['before the insert', 'append.before'],
    ['after the commit', 'append.committed'],
    ['before the acknowledgement', 'settle.before'],
  ])(
    `${KILLS} times %s: every message is stored once, and seen once`,
    async (_when, point) => {
      const load = new SteadyLoad(stack.amqp, { tenants: ['bakery'], perSecond: 0 }, point);
      loads.push(load);
      const published = () => loads.flatMap((one) => one.published);
      for (let kills = 0; kills < KILLS; kills += 1) {
        // the remaining messages of the earlier process are this one's first batch: it is settled before new ones are
        // published, and this process dies at the next batch
        const doomed = launchDoomed(stack, build.programWith('alert-processor', `${point}=crash@2`));
        let gone = false;
        void doomed.exit.then(() => (gone = true));
        while (!gone) {
          await load.burst(1);
          const wanted = published().length;
          await eventually(async () => {
            if (!gone && (await entriesOf(stack)) < wanted) throw new Error('it is neither stored nor was it the last');
          }, 30_000);
        }
        expect(await doomed.exit).toEqual({ code: null, signal: 'SIGKILL' });
      }
      const last = await stack.startProcessor();
      const rows = await storedAll(stack.database.url, published());
      await caughtUp([watcher], rows);
      await last.stop();
      expect(load.published.length).toBeGreaterThanOrEqual(KILLS);
      expect(
        brokenPromises({
          published: published(),
          histories: [rows],
          watchers: [watcher],
          logs: [stack.processes.output],
        }).slice(0, 10),
      ).toEqual([]);
    },
    limitMs(sized(600, 15)),
  );
});
