import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { Stack } from '../kit/stack';
import { brokenInCrowd, Crowd } from './crowd/crowd';
import type { CrowdReport } from './crowd/crowd-messages';
import { figures } from './figures';
import { PrivatePostgres } from './private-services';
import { limitMs, SIZE_NOTE, sized } from './size';
import { SteadyLoad } from './steady-load';
import { brokenPromises, storedAll } from './verdict';

const clients = sized(10_000, 500);
const tenants = Array.from({ length: sized(100, 20) }, (_, i) => `tenant-${i}`);
const members = Array.from({ length: clients }, (_, i) => ({
  user: `user-${i}`,
  tenant: tenants[i % tenants.length]!,
}));
const BACK_WITHIN_MS = 30_000;
const known = Object.fromEntries(members.map(({ user, tenant }) => [user, [tenant]]));

describe(`${clients} clients that lose their streams in one moment${SIZE_NOTE}`, () => {
  const sharedDatabase = process.env.DATABASE_URL;
  let postgres: PrivatePostgres;
  let stack: Stack;
  let crowd: Crowd;
  let load: SteadyLoad;

  beforeAll(
    async () => {
      postgres = await PrivatePostgres.startCounting();
      process.env.DATABASE_URL = postgres.url;
      stack = await Stack.open({ tenants: known, gateways: 2 });
      crowd = await Crowd.open({ members, urls: [stack.eventsUrl()], connectsPerSecond: 500 });
      load = new SteadyLoad(stack.amqp, { tenants, perSecond: 0 });
      await store(3);
      await crowd.caughtUp(await storedAll(stack.database.url, load.published));
    },
    limitMs(clients / 300),
  );
  afterAll(async () => {
    await crowd?.close();
    await stack?.close();
    process.env.DATABASE_URL = sharedDatabase;
    await postgres?.remove();
  }, 60_000);

  /** Stores `each` more entries in each tenant. */
  async function store(each: number): Promise<void> {
    await load.burst(each * tenants.length);
    await storedAll(stack.database.url, load.published);
  }

  /** Resolves once every client has lost one stream more than `lostBefore` and has another. */
  const allBack = (lostBefore: number): Promise<CrowdReport> =>
    eventually(async () => {
      await sleep(200);
      const report = await crowd.report();
      const back = report.runs.filter(({ connected }) => connected).length;
      const absencesMs = report.absencesMs.slice(lostBefore);
      if (absencesMs.length < clients || back < clients)
        throw new Error(
          `${absencesMs.length} of ${clients} came back, ${back} are connected; ${JSON.stringify(report.attempts)}`,
        );
      return { ...report, absencesMs };
    }, 60_000);

  async function expectAllBackForFewStatements(how: string, cut: () => Promise<void> | void): Promise<void> {
    const before = postgres.statementsOf('tocsin gateway').length;
    const lostBefore = (await crowd.report()).absencesMs.length;
    await cut();
    // the clients come back to entries that they have not received
    await store(5);
    const { absencesMs, attempts, closeReasons } = await allBack(lostBefore);
    const statements = postgres.statementsOf('tocsin gateway').slice(before);

    const rows = await storedAll(stack.database.url, load.published);
    const longestMs = absencesMs.reduce((most, ms) => Math.max(most, ms), 0);
    const allowed = 3 * tenants.length + 50;
    figures(15, `${clients} clients, ${how}`, {
      statements: { is: statements.length, atMost: allowed },
      'last back after': { is: longestMs, atMost: BACK_WITHIN_MS },
      ...attempts,
    });
    await crowd.caughtUp(rows);
    expect(brokenInCrowd(await crowd.report(), rows).slice(0, 10)).toEqual([]);
    expect(brokenPromises({ published: load.published, histories: [rows], watchers: [] }).slice(0, 10)).toEqual([]);
    if (longestMs > BACK_WITHIN_MS)
      throw new Error(
        `The last was away for ${Math.round(longestMs)} ms; refused meanwhile: ${JSON.stringify(closeReasons)}; connects: ${JSON.stringify(attempts)}`,
      );
    expect(Object.keys(attempts).filter((outcome) => /^\d+$/.test(outcome))).toEqual(['200']);
    // counted by the server itself; it gets some statements all the time, so zero would mean that the count is broken
    expect(statements.length).toBeGreaterThan(0);
    if (statements.length > allowed)
      throw new Error(
        `${statements.length} statements, ${allowed} are allowed:\n${mostFrequent(statements).join('\n')}`,
      );
  }

  it(
    `all cut at once, as by a proxy that starts anew: back within 30 s for at most ${3 * tenants.length + 50} statements, none missed or doubled`,
    () => expectAllBackForFewStatements('cut at once', () => crowd.order({ kind: 'cut' })),
    limitMs(40),
  );

  it(
    `their gateway killed, and all of them at another that has seen none of them: the same`,
    () =>
      expectAllBackForFewStatements('gateway killed', async () => {
        crowd.order({ kind: 'urls', urls: [stack.eventsUrl(stack.gateways[1])] });
        await stack.gateway.kill();
      }),
    limitMs(40),
  );
});

/** The most frequent statements, to examine when there are too many. */
function mostFrequent(statements: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const statement of statements)
    counts.set(statement.slice(0, 100), (counts.get(statement.slice(0, 100)) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 8)
    .map(([statement, count]) => `${count} x ${statement}`);
}
