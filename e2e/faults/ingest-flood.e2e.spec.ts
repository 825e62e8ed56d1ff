import { eventually } from '@tocsin/contracts/testing';
import { Stack } from '../kit/stack';
import { BuiltCopy, type Patch } from './built-copy';
import { aMessage, publishAll } from './ingest-kit';
import { limitMs, SIZE_NOTE, sized, WHOLE } from './size';
import { brokenPromises, caughtUp, readRows } from './verdict';
import { Watcher } from './watcher';

describe(`a flood of one alert${SIZE_NOTE}`, () => {
  const REPEATS = sized(20_000, 4_000);
  // the test needs the end of the window, and must not wait ten seconds for it
  const SHORT_WINDOW: Patch = {
    file: 'libs/contracts/src/event.js',
    search: 'windowMs: 10_000',
    replace: 'windowMs: 2_000',
  };
  let stack: Stack;
  let build: BuiltCopy;

  beforeAll(async () => {
    build = new BuiltCopy(WHOLE ? [] : [SHORT_WINDOW]);
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, processors: 0 });
    await stack.startProcessor({}, build.program('alert-processor'));
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    build?.remove();
  }, 60_000);

  /** The number of entries, of repeats that entries report, and of remembered messages. */
  async function account(): Promise<{ entries: number; folded: number; remembered: number }> {
    const [row] = await stack.sql<{ entries: number; folded: number; remembered: number }>(
      `select (select count(*)::int from tocsin.event) as entries, (select coalesce(sum(folded), 0)::int from tocsin.event) as folded,
              (select count(*)::int from tocsin.idempotency) as remembered`,
    );
    return row!;
  }

  it(
    `${REPEATS.toLocaleString('en')} repeats, and a kill in the middle: entries and folded repeats are ${REPEATS.toLocaleString('en')} together`,
    async () => {
      const watcher = await new Watcher('ana', ['bakery'], () => [stack.eventsUrl()]).start();
      try {
        const [first] = stack.processors;
        const messages = Array.from({ length: REPEATS }, (_, i) =>
          aMessage(`m-${i}`, { dedup_key: 'flour', occurred_at: new Date(Date.now() + i).toISOString() }),
        );
        const published = await publishAll(stack.amqp, messages.slice(0, REPEATS / 2));
        const rest = publishAll(stack.amqp, messages.slice(REPEATS / 2));
        // during the flood, with folded repeats that no entry has reported
        await eventually(async () => {
          const { entries, remembered } = await account();
          expect(remembered).toBeGreaterThan(REPEATS / 10);
          expect(remembered).toBeGreaterThan(entries);
        }, 30_000);
        await first!.kill();
        published.push(...(await rest));
        await stack.startProcessor({}, build.program('alert-processor'));

        await eventually(async () => {
          const { entries, folded, remembered } = await account();
          expect({ remembered, told: entries + folded }).toEqual({ remembered: REPEATS, told: REPEATS });
        }, 60_000);
        const { entries } = await account();
        expect(entries).toBeLessThan(REPEATS / 10);
        const rows = await readRows(stack.database.url);
        await caughtUp([watcher], rows);
        // a folded message is recorded but has no entry, so only the others are given to the ledger
        const logged = new Set(rows.map(({ event_id }) => event_id));
        expect(
          brokenPromises({
            published: published.filter(({ id }) => logged.has(id)),
            histories: [rows],
            watchers: [watcher],
          }),
        ).toEqual([]);
        const seen = watcher.entries.map(({ data }) => JSON.parse(data) as { folded: number });
        expect(seen.length + seen.reduce((sum, one) => sum + one.folded, 0)).toBe(REPEATS);
      } finally {
        await watcher.stop();
      }
    },
    limitMs(20),
  );
});
