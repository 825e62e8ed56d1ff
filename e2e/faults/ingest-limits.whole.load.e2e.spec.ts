import { eventually } from '@tocsin/contracts/testing';
import type { Published } from '../kit/ledger';
import { Stack } from '../kit/stack';
import { BuiltCopy } from './built-copy';
import { figures } from './figures';
import { aMessage, entriesOf, entriesReach, launchDoomed, lettersOf, publishAll } from './ingest-kit';
import { NO_POSITION_CHECK } from './mutants';
import { limitMs } from './size';
import { SteadyLoad, wallMs } from './steady-load';
import { brokenPromises, caughtUp, readRows, storedAll } from './verdict';
import { Watcher } from './watcher';

describe('a processor that is killed between the commit and the hint, and then silence', () => {
  const SILENCE_MS = 3_000;
  let stack: Stack;
  let build: BuiltCopy;
  let blind: BuiltCopy;

  beforeAll(async () => {
    build = new BuiltCopy();
    blind = new BuiltCopy([NO_POSITION_CHECK]);
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, processors: 0 });
    // this gateway never reads the event log by itself: it knows only what hints tell it
    await stack.startGateway({}, blind.program('gateway'));
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    for (const copy of [build, blind]) copy?.remove();
  }, 60_000);

  it(
    `is seen on every screen within ${SILENCE_MS} ms of the next processor’s start, whether or not its gateway looks at the log by itself`,
    async () => {
      const watchers = await Promise.all(
        stack.gateways.map((gateway) => new Watcher('ana', ['bakery'], () => [stack.eventsUrl(gateway)]).start()),
      );
      try {
        const load = new SteadyLoad(stack.amqp, { tenants: ['bakery'], perSecond: 0 });
        const doomed = launchDoomed(stack, build.programWith('alert-processor', 'append.committed=crash@1'));
        await load.burst(1);
        expect(await doomed.exit).toEqual({ code: null, signal: 'SIGKILL' });
        expect(await entriesOf(stack)).toBe(1);
        expect(watchers[1]!.entries).toHaveLength(0);
        await stack.startProcessor();
        const startedAt = performance.now();
        const rows = await storedAll(stack.database.url, load.published);
        await caughtUp(watchers, rows);
        expect(brokenPromises({ published: load.published, histories: [rows], watchers })).toEqual([]);
        const latest = Math.max(...watchers.map(({ entries }) => entries[0]!.receivedAt - startedAt));
        figures(3, 'a crash after the commit, and then silence', {
          'on every screen, ms': { is: latest, atMost: SILENCE_MS },
        });
        expect(latest).toBeLessThan(SILENCE_MS);
      } finally {
        for (const watcher of watchers) await watcher.stop();
      }
    },
    limitMs(10),
  );
});

describe('with one processor', () => {
  let stack: Stack;
  const already: Published[] = [];
  beforeAll(async () => void (stack = await Stack.open({ gateways: 0 })), 60_000);
  afterAll(() => stack?.close(), 60_000);

  it(
    'a message that is wrong among 1,000: 999 are stored, and it is on record within 5 s',
    async () => {
      const good = Array.from({ length: 999 }, (_, i) => aMessage(`m-${i}`, { tenant_id: `tenant-${i % 10}` }));
      const sentAt = wallMs();
      const [published] = await Promise.all([
        Promise.all([
          publishAll(stack.amqp, good.slice(0, 500)),
          stack.amqp.publish('alert.low.inventory', { service: 'inventory', id: 'poison' }),
          publishAll(stack.amqp, good.slice(500)),
        ]),
      ]);
      await entriesReach(stack, 999);
      const letters = await eventually(async () => {
        const found = await lettersOf(stack);
        expect(found.length).toBeGreaterThan(0);
        return found;
      });
      expect(letters.map(({ reason }) => reason)).toEqual(['missing_tenant']);
      const ms = letters[0]!.buried_at.getTime() - sentAt;
      figures(7, 'one poison in 1,000', { 'on record, ms': { is: ms, atMost: 5_000 } });
      expect(ms).toBeLessThan(5_000);
      const dead = await eventually(async () => {
        const found = await stack.amqp.takeDead();
        expect(found).toHaveLength(1);
        return found;
      });
      expect(dead[0]!.properties.headers).toMatchObject({ reason: 'missing_tenant' });
      expect(
        brokenPromises({
          published: [...published[0], ...published[2]],
          histories: [await readRows(stack.database.url)],
          watchers: [],
        }),
      ).toEqual([]);
      already.push(...published[0], ...published[2]);
    },
    limitMs(10),
  );

  const BACKLOG = 100_000;
  const WITHIN_MS = 1_000;

  it(
    `an urgent message behind a backlog of ${BACKLOG.toLocaleString('en')} that are low is stored within ${WITHIN_MS} ms`,
    async () => {
      const [processor] = stack.processors;
      const before = await entriesOf(stack);
      // the broker fills up while no consumer takes messages
      process.kill(processor!.pid, 'SIGSTOP');
      const published = [...already];
      for (let n = 0; n < BACKLOG; n += 5_000) {
        published.push(
          ...(await publishAll(
            stack.amqp,
            Array.from({ length: 5_000 }, (_, i) => aMessage(`low-${n + i}`, { tenant_id: `tenant-${i % 50}` })),
          )),
        );
      }
      process.kill(processor!.pid, 'SIGCONT');
      await entriesReach(stack, before + 1);
      published.push(
        ...(await publishAll(stack.amqp, [
          aMessage('urgent', { severity: 'urgent', metadata: { sent_at: performance.timeOrigin + performance.now() } }),
        ])),
      );
      const ms = await eventually(async () => {
        const [row] = await stack.sql<{ ms: number }>(
          `select extract(epoch from received_at)::float8 * 1000 - (metadata ->> 'sent_at')::float8 as ms from tocsin.event where tenant_id = 'bakery' and event_id = 'urgent'`,
        );
        if (!row) throw new Error('it is not stored');
        return row.ms;
      });
      figures(9, `an urgent message behind ${BACKLOG}`, { 'stored, ms': { is: ms, atMost: WITHIN_MS } });
      // otherwise the test has shown nothing
      expect(await entriesOf(stack)).toBeLessThan(before + BACKLOG);
      expect(ms).toBeLessThan(WITHIN_MS);
      const rows = await storedAll(stack.database.url, published, 120_000);
      expect(brokenPromises({ published, histories: [rows], watchers: [] })).toEqual([]);
    },
    limitMs(60),
  );
});
