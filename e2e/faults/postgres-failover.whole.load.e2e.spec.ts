import { setTimeout as sleep } from 'node:timers/promises';
import { FaultProxy } from '@tocsin/fault-proxy';
import type { Published, StoredRow } from '../kit/ledger';
import { Stack } from '../kit/stack';
import { figures } from './figures';
import { PrivatePostgres } from './private-services';
import { limitMs } from './size';
import { SteadyLoad } from './steady-load';
import { brokenPromises, caughtUp, readRows, storedAll } from './verdict';
import { longestSilenceS, Watcher } from './watcher';

const PER_SECOND = 1_000;
const TENANTS = ['bakery', 'brewery', 'cafe'];

describe('a PostgreSQL with a standby', () => {
  let primary: PrivatePostgres;
  let standby: PrivatePostgres | undefined;
  /** The virtual address of the database: an operator's proxy, or a name that moves. */
  let address: FaultProxy;
  /** Between primary and standby. */
  let replication: FaultProxy;
  let stack: Stack;
  let watchers: Watcher[] = [];
  let load: SteadyLoad;

  beforeEach(async () => {
    primary = await PrivatePostgres.start();
    address = await FaultProxy.to(primary.url);
    replication = await FaultProxy.to(primary.url);
    // where the stack makes its database; Jest gives each file an environment of its own
    process.env.DATABASE_URL = address.via(primary.url);
    stack = await Stack.open({
      tenants: Object.fromEntries(TENANTS.map((tenant) => [`user-${tenant}`, [tenant]])),
      gateways: 2,
    });
    watchers = await Promise.all(
      TENANTS.map((tenant, i) =>
        new Watcher(`user-${tenant}`, [tenant], () => stack.gateways.map((one) => stack.eventsUrl(one)), i).start(),
      ),
    );
    load = new SteadyLoad(stack.amqp, { tenants: TENANTS, perSecond: PER_SECOND });
  }, 120_000);
  afterEach(async () => {
    await load?.stop();
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    await stack?.close();
    await Promise.all([address?.close(), replication?.close()]);
    await standby?.remove();
    await primary?.remove();
    standby = undefined;
  }, 60_000);

  /** The database of the stack on one server, past the virtual address. */
  const on = (server: PrivatePostgres): string => {
    const url = new URL(server.url);
    url.pathname = new URL(stack.database.url).pathname;
    return url.href;
  };

  /**
   * Kills the primary, promotes the standby, and leads the address there. Resolves to when the primary died, and for
   * how long no server took writes.
   */
  async function failOver(): Promise<{ killedAt: number; withoutPrimaryMs: number }> {
    const killedAt = performance.now();
    await primary.kill();
    address.refuse();
    address.cut();
    await standby!.promote();
    address.leadTo(standby!.url);
    address.refuse(false);
    return { killedAt, withoutPrimaryMs: performance.now() - killedAt };
  }

  /**
   * Waits until these messages are stored and every watcher has seen the newest entry. Resolves to the event log, to
   * which nothing is added any more.
   */
  async function settled(published: readonly Published[]): Promise<StoredRow[]> {
    await storedAll(on(standby!), published, 120_000);
    await stack.stored(0, 60_000);
    await Promise.all(stack.processors.map((processor) => processor.stop()));
    const rows = await readRows(on(standby!));
    await caughtUp(watchers, rows, 60_000);
    return rows;
  }

  function tell(title: string, from: { startedAt: number; killedAt: number; withoutPrimaryMs: number }, more: object) {
    const silence = (start: number, end: number) => longestSilenceS(watchers, start, end);
    figures(31, title, {
      alerts: load.published.length,
      'without a primary, s': from.withoutPrimaryMs / 1_000,
      'longest silence before, s': silence(from.startedAt + 2_000, from.killedAt),
      'longest silence from the kill on, s': silence(from.killedAt, from.killedAt + 20_000),
      ...more,
    });
  }

  it(
    `that is synchronous: under ${PER_SECOND.toLocaleString('en')} alerts a second the primary is killed and the standby promoted; nothing is lost, all is stored once, and no stream has a hole`,
    async () => {
      standby = await primary.startStandby({ synchronous: true });
      const startedAt = performance.now();
      load.start();
      await sleep(6_000);
      const failedOver = await failOver();
      await sleep(20_000);

      await load.stop();
      const rows = await settled(load.published);
      tell('synchronous standby', { startedAt, ...failedOver }, {});
      expect(
        brokenPromises({
          published: load.published,
          histories: [rows],
          watchers,
          logs: [stack.processes.output],
        }).slice(0, 10),
      ).toEqual([]);
    },
    limitMs(90),
  );

  it(
    `that is a second behind: what it had not received is lost, each client is told so once, and no stream has a hole`,
    async () => {
      standby = await primary.startStandby({ url: replication.via(primary.url) });
      const startedAt = performance.now();
      load.start();
      await sleep(6_000);
      // the primary goes on, and what it commits from now on reaches no standby
      replication.silence();
      await sleep(1_000);
      const failedOver = await failOver();
      await sleep(20_000);

      await load.stop();
      // an operator may look into the old primary; no client is led there
      replication.refuse();
      await primary.start();
      const before = await readRows(on(primary));
      const had = new Set(before.map(({ event_id }) => event_id));
      // only what the old primary had stored may be missing: the queue has kept everything else
      const rows = await settled(load.published.filter(({ id }) => !had.has(id)));
      const kept = new Set(rows.map(({ event_id }) => event_id));
      const lost = load.published.filter(({ id }) => !kept.has(id));
      const told = watchers.map(
        ({ frames }) =>
          frames.filter(({ event, data }) => event === 'reset' || data.includes('"verdict":"gap"')).length,
      );
      tell(
        'standby a second behind',
        { startedAt, ...failedOver },
        { lost: lost.length, 'told of it': told.join(' ') },
      );

      expect(lost.length).toBeGreaterThan(0);
      expect(
        brokenPromises({
          published: load.published.filter(({ id }) => kept.has(id)),
          histories: [before, rows],
          watchers,
          logs: [stack.processes.output],
        }).slice(0, 10),
      ).toEqual([]);
      expect(told).toEqual(watchers.map(() => 1));
    },
    limitMs(90),
  );
});
