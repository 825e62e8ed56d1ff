import { Stack } from '../kit/stack';
import { BuiltCopy } from './built-copy';
import { limitMs } from './size';
import { SteadyLoad } from './steady-load';
import { brokenPromises, caughtUp, deliveryMs, storedAll } from './verdict';
import { Watcher } from './watcher';

describe('a processor that is gone in the middle of a batch', () => {
  let stack: Stack;
  let build: BuiltCopy;
  let watcher: Watcher;

  beforeAll(async () => {
    build = new BuiltCopy();
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, processors: 0 });
    watcher = await new Watcher('ana', ['bakery'], () => [stack.eventsUrl()]).start();
  }, 60_000);
  afterAll(async () => {
    await watcher?.stop();
    await stack?.close();
    build?.remove();
  }, 60_000);

  const loads: SteadyLoad[] = [];

  it.each([
    ['before the commit', 'append.before'],
    ['between the commit and the hint', 'append.committed'],
    ['between the hint and the acknowledgement', 'publish.sent'],
    ['right before the acknowledgement', 'settle.before'],
  ])(
    '%s: every message is stored once and seen once, by the next processor at the latest',
    async (_when, point) => {
      const doomed = await stack.startProcessor({}, build.programWith('alert-processor', `${point}=crash@1`));
      const load = new SteadyLoad(stack.amqp, { tenants: ['bakery'], perSecond: 0 }, point);
      loads.push(load);
      await load.burst(20);
      expect(await doomed.exit).toEqual({ code: null, signal: 'SIGKILL' });
      // the end of this process is intended
      await doomed.kill();
      const next = await stack.startProcessor();

      const published = loads.flatMap((one) => one.published);
      const rows = await storedAll(stack.database.url, published);
      await caughtUp([watcher], rows);
      await next.stop();
      expect(
        brokenPromises({ published, histories: [rows], watchers: [watcher], logs: [stack.processes.output] }).slice(
          0,
          10,
        ),
      ).toEqual([]);
      expect(deliveryMs(watcher.entries)).toHaveLength(published.length);
    },
    limitMs(15),
  );
});
