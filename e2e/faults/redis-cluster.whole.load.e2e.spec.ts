import { setTimeout as sleep } from 'node:timers/promises';
import { Stack } from '../kit/stack';
import { figures } from './figures';
import { HttpLoad } from './http-load';
import { PrivateRedisCluster } from './private-redis-cluster';
import { limitMs } from './size';
import { brokenPromises, caughtUp, storedAll } from './verdict';
import { delivering, longestSilenceS, Watcher } from './watcher';

const PER_SECOND = 50;
const TENANTS = ['bakery', 'brewery', 'cafe'];
/** Redis's default is 15 s. */
const NODE_TIMEOUT_MS = 5_000;
const SILENT_S = 40;
const AT_MOST = { killedS: 25, silentS: 25 };

describe('a Redis Cluster as queue and bus', () => {
  let cluster: PrivateRedisCluster;
  let stack: Stack;
  let watchers: Watcher[] = [];

  beforeAll(async () => {
    cluster = await PrivateRedisCluster.start(NODE_TIMEOUT_MS);
    const environment = {
      QUEUE: 'redis',
      RABBITMQ_URL: '',
      REDIS_URL: cluster.urls,
      REDIS_PREFIX: '{e2e}',
      REDIS_QUEUE_REPLICAS: '1',
    };
    stack = await Stack.open({
      tenants: Object.fromEntries(TENANTS.map((tenant) => [`user-${tenant}`, [tenant]])),
      gateways: 2,
      processors: 2,
      gatewayEnvironment: environment,
      processorEnvironment: environment,
    });
    watchers = await Promise.all(
      TENANTS.map((tenant, i) =>
        new Watcher(`user-${tenant}`, [tenant], () => stack.gateways.map((one) => stack.eventsUrl(one)), i).start(),
      ),
    );
  }, 240_000);
  afterAll(async () => {
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    await stack?.close();
    await cluster?.remove();
  }, 120_000);

  const silenceS = (from: number, to: number) => longestSilenceS(watchers, from, to);

  it(
    `under ${PER_SECOND} alerts a second: the owner of the keys is killed, and the next one silent for ${SILENT_S} s: all stored once, no hole`,
    async () => {
      const load = new HttpLoad(() => stack.gateways.map(({ url }) => url), {
        tenants: TENANTS,
        perSecond: PER_SECOND,
      });
      load.start();
      const startedAt = performance.now();
      await sleep(5_000);

      const killed = await cluster.owner();
      const killedAt = performance.now();
      await killed.kill();
      const second = await cluster.successorOf(killed);
      const succeededAt = performance.now();
      await delivering(watchers, load);
      await sleep(5_000);
      const restartedAt = performance.now();
      await killed.start();
      await cluster.replicated();
      await sleep(5_000);

      const frozenAt = performance.now();
      second.freeze();
      await cluster.successorOf(second);
      const succeededAgainAt = performance.now();
      await sleep(SILENT_S * 1_000 - (succeededAgainAt - frozenAt));
      second.thaw();
      const thawedAt = performance.now();
      await cluster.replicated();
      await delivering(watchers, load);
      await sleep(5_000);
      const endedAt = performance.now();
      await load.stop();

      const rows = await storedAll(stack.database.url, load.published, 120_000);
      await caughtUp(watchers, rows, 60_000);
      const afterKill = silenceS(killedAt, restartedAt);
      const whileSilent = silenceS(frozenAt, thawedAt);
      figures(32, 'a Redis Cluster', {
        alerts: load.published.length,
        'a second': load.published.length / ((endedAt - startedAt) / 1_000),
        'attempts that were refused': load.refused,
        // their service was told so: nothing is promised about them
        'given up after 30 s': load.published.filter(({ confirmed }) => !confirmed).length,
        'longest silence before, s': silenceS(startedAt + 2_000, killedAt),
        'a replica took over after, s': (succeededAt - killedAt) / 1_000,
        'after kill -9, s': { is: afterKill, atMost: AT_MOST.killedS },
        'while the node came back, s': silenceS(restartedAt, frozenAt),
        'the other took over after, s': (succeededAgainAt - frozenAt) / 1_000,
        [`while a node was silent for ${SILENT_S} s, s`]: { is: whileSilent, atMost: AT_MOST.silentS },
        'after that, s': silenceS(thawedAt, endedAt),
      });
      expect(
        brokenPromises({
          published: load.published,
          histories: [rows],
          watchers,
          logs: [stack.processes.output],
        }).slice(0, 10),
      ).toEqual([]);
      expect(await stack.sql('select reason from tocsin.dead_letter')).toEqual([]);
      expect(afterKill).toBeLessThan(AT_MOST.killedS);
      expect(whileSilent).toBeLessThan(AT_MOST.silentS);
    },
    limitMs(120),
  );
});
