import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { AlertPublisher } from '@tocsin/publisher';
import { Stack } from '../kit/stack';
import { figures } from './figures';
import { InsistentLoad } from './insistent-load';
import { PrivateRabbit } from './private-rabbitmq';
import { limitMs } from './size';
import { brokenPromises, caughtUp, storedAll } from './verdict';
import { delivering, longestSilenceS, Watcher } from './watcher';

const PER_SECOND = 1_000;
const TENANTS = ['bakery', 'brewery', 'cafe'];
/**
 * The age of the queues, in seconds, when a node is killed for the first time: RabbitMQ 3.10 may lose a younger one.
 */
const QUEUE_AGE_S = 12;
/**
 * A silent node holds up what needs all nodes, such as a declaration, until the others count it as down. RabbitMQ's
 * default is 60 s: with it, nothing was delivered for all of 45 s.
 */
const TICK_TIME_S = 10;
/** Clients notice a silent node by missed heartbeats of 10 s, and go to another. */
const SILENT_S = 60;
const AT_MOST = { killedS: 15, silentS: 45 };

describe('a RabbitMQ of three nodes', () => {
  let nodes: PrivateRabbit[] = [];
  let stack: Stack;
  let publishers: AlertPublisher[] = [];
  let watchers: Watcher[] = [];

  /** The addresses of all nodes, with this one first. */
  const urlFrom = (first: number): string => nodes.map((_, i) => nodes[(first + i) % nodes.length]!.url).join(',');

  beforeAll(async () => {
    nodes = await PrivateRabbit.startCluster(3, TICK_TIME_S);
    // the test's own connection, to the node that no fault meets
    process.env.RABBITMQ_URL = nodes[2]!.url;
    const environment = { RABBITMQ_URL: urlFrom(0) };
    stack = await Stack.open({
      tenants: Object.fromEntries(TENANTS.map((tenant) => [`user-${tenant}`, [tenant]])),
      gateways: 2,
      gatewayEnvironment: environment,
      processorEnvironment: environment,
    });
    publishers = nodes.map(
      (_, i) => new AlertPublisher({ url: urlFrom(i), exchange: stack.amqp.exchange, maxInFlight: 5_000 }),
    );
    await Promise.all(publishers.map((publisher) => publisher.connect()));
    watchers = await Promise.all(
      TENANTS.map((tenant, i) =>
        new Watcher(`user-${tenant}`, [tenant], () => stack.gateways.map((one) => stack.eventsUrl(one)), i).start(),
      ),
    );
  }, 240_000);
  afterAll(async () => {
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    await Promise.all(publishers.map((publisher) => publisher.close()));
    await stack?.close();
    await Promise.all(nodes.map((node) => node.remove()));
  }, 120_000);

  const silenceS = (from: number, to: number) => longestSilenceS(watchers, from, to);

  it(
    `under ${PER_SECOND.toLocaleString('en')} alerts a second: the node that leads the queues is killed and comes back, another is silent for ${SILENT_S} s; all is stored once, and no stream has a hole`,
    async () => {
      expect(await nodes[0]!.running()).toHaveLength(3);
      const copies = await nodes[0]!.copiesOf(`${stack.prefix}alert-processor`);
      expect(copies).toMatchObject({ leader: nodes[0]!.nodeName, members: { length: 3 } });

      const load = new InsistentLoad(publishers, { tenants: TENANTS, perSecond: PER_SECOND }).start();
      const startedAt = performance.now();
      await sleep(QUEUE_AGE_S * 1_000);

      const killedAt = performance.now();
      await nodes[0]!.kill();
      await delivering(watchers, load);
      await sleep(5_000);
      const restartedAt = performance.now();
      await nodes[0]!.start();
      await eventually(async () => expect(await nodes[2]!.running()).toHaveLength(3), 60_000);
      await sleep(5_000);

      const frozenAt = performance.now();
      nodes[1]!.freeze();
      await sleep(SILENT_S * 1_000);
      nodes[1]!.thaw();
      const thawedAt = performance.now();
      await delivering(watchers, load);
      await sleep(5_000);
      const endedAt = performance.now();
      await load.stop();

      const rows = await storedAll(stack.database.url, load.published, 120_000);
      await caughtUp(watchers, rows, 60_000);
      const afterKill = silenceS(killedAt, restartedAt);
      const whileSilent = silenceS(frozenAt, thawedAt);
      figures(30, 'three RabbitMQ nodes', {
        alerts: load.published.length,
        'a second': load.published.length / ((endedAt - startedAt) / 1_000),
        'sent again': load.repeated,
        'longest silence before, s': silenceS(startedAt + 2_000, killedAt),
        'after kill -9, s': { is: afterKill, atMost: AT_MOST.killedS },
        'while the node came back, s': silenceS(restartedAt, frozenAt),
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
    limitMs(200),
  );
});
