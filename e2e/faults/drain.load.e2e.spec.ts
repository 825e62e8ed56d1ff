import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from '../kit/processes';
import { Stack, TENANT_SERVICE_TOKEN } from '../kit/stack';
import { JWT_SECRET } from '../kit/tokens';
import { brokenInCrowd, Crowd } from './crowd/crowd';
import { figures } from './figures';
import { limitMs, SIZE_NOTE, sized } from './size';
import { SteadyLoad, wallMs } from './steady-load';
import { brokenPromises, storedAll } from './verdict';

const secrets = [JWT_SECRET, TENANT_SERVICE_TOKEN];
const clients = sized(3_000, 200);
const drainMs = sized(10_000, 2_000);
/** A client that was told to reconnect comes back after 2 to 5 s. */
const RETURN_SPREAD_MS = 3_000;

/** The maximum number of times that fall into one window of `windowMs` milliseconds. */
function peak(timesMs: readonly number[], windowMs: number): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let from = 0;
  return sorted.reduce((most, time, at) => {
    while (sorted[from]! <= time - windowMs) from += 1;
    return Math.max(most, at - from + 1);
  }, 0);
}

describe(`a rolling restart of the gateways${SIZE_NOTE}`, () => {
  let stack: Stack;
  let crowd: Crowd | undefined;
  let load: SteadyLoad | undefined;
  afterEach(async () => {
    await load?.stop();
    await crowd?.close();
    await stack?.close();
  }, 60_000);

  it(
    `of three gateways that hold ${clients} clients, at 100 alerts a second: none missed or doubled, no answer that ends an EventSource, returns spread out, exit 0`,
    async () => {
      const tenants = Array.from({ length: sized(100, 20) }, (_, i) => `tenant-${i}`);
      const members = Array.from({ length: clients }, (_, i) => ({
        user: `user-${i}`,
        tenant: tenants[i % tenants.length]!,
      }));
      const known = Object.fromEntries(members.map(({ user, tenant }) => [user, [tenant]]));
      stack = await Stack.open({ tenants: known, gateways: 3, gatewayEnvironment: { DRAIN_MS: String(drainMs) } });
      crowd = await Crowd.open({ members, urls: stack.gateways.map((gateway) => stack.eventsUrl(gateway)) });
      load = new SteadyLoad(stack.amqp, { tenants, perSecond: 100 }).start();
      crowd.order({ kind: 'mark' });

      const drains: { held: number; startedAt: number; exit: Exit }[] = [];
      let serving = [...stack.gateways];
      for (const leaving of [...stack.gateways]) {
        serving = [...serving.filter((gateway) => gateway !== leaving), await stack.startGateway()];
        const held = await leaving.metric('tocsin_sse_connections');
        // an ingress learns of the drain a moment late: clients that come meanwhile are told to reconnect elsewhere
        const startedAt = wallMs();
        const stopped = leaving.stop();
        await sleep(100);
        crowd.order({ kind: 'urls', urls: serving.map((gateway) => stack.eventsUrl(gateway)) });
        drains.push({ held, startedAt, exit: await stopped });
      }
      await crowd.allConnected();
      await load.stop();

      const rows = await storedAll(stack.database.url, load.published);
      await crowd.caughtUp(rows);
      const report = await crowd.report();
      const held = drains.reduce((sum, drain) => sum + drain.held, 0);
      const most = Math.max(...drains.map((drain) => drain.held));
      const mostTriesASecond = (2 * most * 1_000) / Math.max(drainMs, RETURN_SPREAD_MS);
      const triesASecond = peak(report.triedAtMs, 1_000);
      figures(14, `three gateways of ${clients} clients, one after the other`, {
        entries: rows.length,
        'sent away': held,
        'tries a second': { is: triesASecond, atMost: mostTriesASecond },
        ...report.attempts,
      });
      expect(brokenInCrowd(report, rows).slice(0, 10)).toEqual([]);
      expect(
        brokenPromises({
          published: load.published,
          histories: [rows],
          watchers: [],
          logs: [stack.processes.output],
          secrets,
        }).slice(0, 10),
      ).toEqual([]);
      expect(drains.map(({ exit }) => exit)).toEqual(drains.map(() => ({ code: 0, signal: null })));
      // every browser tries again after a refused connection, but never after a status other than 200
      expect(Object.keys(report.attempts).filter((outcome) => /^\d+$/.test(outcome))).toEqual(['200']);
      expect(report.closeReasons.draining).toBeGreaterThanOrEqual(held);
      expect(report.endedAtMs.length).toBe(held);

      for (const [i, { held, startedAt }] of drains.entries()) {
        const ended = report.endedAtMs.filter(
          (time) => time >= startedAt && time < (drains[i + 1]?.startedAt ?? Infinity),
        );
        expect(ended.length).toBe(held);
        // by chance a window contains more than its share, and a busy machine is sometimes late; all at once would be
        // `held`
        expect(peak(ended, 100)).toBeLessThan(4 * ((held * 100) / drainMs) + 8);
        expect(Math.max(...ended) - Math.min(...ended)).toBeGreaterThan(0.8 * drainMs);
      }
      expect(triesASecond).toBeLessThan(mostTriesASecond);
    },
    limitMs(30 + (3 * drainMs) / 1_000),
  );
});
