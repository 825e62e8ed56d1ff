import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import type { StoredRow } from '../kit/ledger';
import { Stack } from '../kit/stack';
import { DatabaseSnapshot } from './admin-faults';
import { figures } from './figures';
import { limitMs, SIZE_NOTE, sized } from './size';
import { SteadyLoad } from './steady-load';
import { brokenPromises, caughtUp, readRows, storedAll } from './verdict';
import { Watcher } from './watcher';

const TENANTS = ['bakery', 'brewery', 'cafe'];
const CLIENTS = sized(50, 12);
const usersOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`user-${i}`, [TENANTS[i % TENANTS.length]!]]));

describe(`a database that is restored from a snapshot under open streams${SIZE_NOTE}`, () => {
  let stack: Stack;
  /** Between the gateways and the database. */
  let proxy: FaultProxy;
  let snapshot: DatabaseSnapshot | undefined;
  let watchers: Watcher[] = [];
  let load: SteadyLoad;

  beforeEach(async () => {
    proxy = await FaultProxy.to(process.env.DATABASE_URL!);
    stack = await Stack.open({ tenants: usersOf(CLIENTS), gateways: 0 });
    for (let i = 0; i < 2; i += 1) await stack.startGateway({ DATABASE_URL: proxy.via(stack.database.url) });
    watchers = await Promise.all(
      Object.entries(usersOf(CLIENTS)).map(([user, tenants], i) =>
        new Watcher(user, tenants, () => stack.gateways.map((gateway) => stack.eventsUrl(gateway)), i).start(),
      ),
    );
    load = new SteadyLoad(stack.amqp, { tenants: TENANTS, perSecond: 0 });
  }, 60_000);
  afterEach(async () => {
    await Promise.all(watchers.splice(0).map((watcher) => watcher.stop()));
    await stack?.close();
    await snapshot?.remove();
    await proxy?.close();
  }, 60_000);

  async function store(count: number): Promise<StoredRow[]> {
    const before = load.published.length;
    await load.burst(count);
    return storedAll(stack.database.url, load.published.slice(before));
  }

  /** Fifty before the snapshot, thirty that the restore takes away: every client has seen them all. */
  async function storeWhatIsLost(): Promise<StoredRow[]> {
    await store(50);
    snapshot = await DatabaseSnapshot.take(stack.database.url);
    const lost = await store(30);
    await caughtUp(watchers, lost);
    return lost;
  }

  function expectOneResetEach(lost: StoredRow[], rows: StoredRow[]): void {
    const kept = load.published.filter(({ id }) => rows.some(({ event_id }) => event_id === id));
    expect(load.published.length - kept.length).toBe(30);
    const told = watchers.map(
      ({ frames }) => frames.filter(({ event, data }) => event === 'reset' || data.includes('"verdict":"gap"')).length,
    );
    figures(18, `a restore under ${CLIENTS} open streams`, {
      'entries lost': load.published.length - kept.length,
      'told of it': told.reduce((sum, times) => sum + times, 0),
    });
    expect(
      brokenPromises({ published: kept, histories: [lost, rows], watchers, logs: [stack.processes.output] }).slice(
        0,
        10,
      ),
    ).toEqual([]);
    expect(told).toEqual(watchers.map(() => 1));
  }

  it(
    `tells each of ${CLIENTS} clients so once, and goes on without a hole`,
    async () => {
      const lost = await storeWhatIsLost();
      await snapshot!.restore();
      await eventually(
        () => expect(watchers.every(({ frames }) => frames.some(({ event }) => event === 'reset'))).toBe(true),
        15_000,
      );

      const rows = await store(60);
      await caughtUp(watchers, rows);
      expectOneResetEach(lost, rows);
    },
    limitMs(20),
  );

  it(
    "tells them so also when it has passed the feed's number again before a gateway could look",
    async () => {
      const lost = await storeWhatIsLost();
      // the gateways reach the database last of all, as they may after any outage
      proxy.refuse();
      proxy.cut();
      await snapshot!.restore();
      await store(60);
      proxy.refuse(false);

      const rows = await readRows(stack.database.url);
      await eventually(
        () => expect(watchers.every(({ frames }) => frames.some(({ event }) => event === 'reset'))).toBe(true),
        8_000,
      ).catch(() => undefined);
      const more = await store(3);
      expect(more).toHaveLength(rows.length + 3);
      await caughtUp(watchers, more);
      expectOneResetEach(lost, more);
    },
    limitMs(20),
  );
});
