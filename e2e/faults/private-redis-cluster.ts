import { Redis } from 'ioredis';
import { eventually } from '@tocsin/contracts/testing';
import { PrivateRedis } from './private-services';

const LAST_SLOT = 16_383;
const READY_TIMEOUT_MS = 30_000;

/**
 * A Redis Cluster of this test's own, of three masters. One owns nearly all slots and has two replicas: after its loss
 * another one takes over, which still has a replica.
 */
export class PrivateRedisCluster {
  private constructor(
    readonly nodes: readonly PrivateRedis[],
    /** To a master that no fault meets: it says what the cluster agreed on. */
    private readonly witness: Redis,
  ) {}

  /** `nodeTimeoutMs`: after this time without a word from a master the others replace it. */
  static async start(nodeTimeoutMs: number): Promise<PrivateRedisCluster> {
    const settings = [
      ...['--cluster-node-timeout', String(nodeTimeoutMs)],
      ...['--cluster-allow-replica-migration', 'no'], // each replica stays where the test has put it
      ...['--repl-diskless-sync-delay', '0'],
    ];
    const nodes = await Promise.all(Array.from({ length: 5 }, () => PrivateRedis.startAsNode(settings)));
    const clients = nodes.map(({ url }) => new Redis(url));
    const cluster = new PrivateRedisCluster(nodes, clients[1]!);
    try {
      await join(clients);
    } finally {
      for (const client of clients) if (client !== cluster.witness) client.disconnect();
    }
    cluster.witness.on('error', () => undefined);
    return cluster;
  }

  /** The addresses of all nodes, for `REDIS_URL`. */
  get urls(): string {
    return this.nodes.map(({ url }) => url).join(',');
  }

  /** The node that owns nearly all slots. */
  async owner(): Promise<PrivateRedis> {
    const ranges = await this.witness.cluster('SLOTS');
    const [, , owner] = ranges.find(([first]) => first === 0)!;
    return this.nodes.find(({ url }) => new URL(url).port === String(owner![1]))!;
  }

  /** Resolves to the node that has taken over from this one. */
  async successorOf(lost: PrivateRedis): Promise<PrivateRedis> {
    return eventually(async () => {
      const owner = await this.owner();
      if (owner === lost) throw new Error('no replica has taken over');
      return owner;
    }, READY_TIMEOUT_MS);
  }

  /** Resolves once the owner has so many replicas that are in step with it. */
  async replicated(count = 2): Promise<void> {
    const client = new Redis((await this.owner()).url);
    try {
      await eventually(async () => expectReplicas(await client.info('replication'), count), READY_TIMEOUT_MS);
    } finally {
      client.disconnect();
    }
  }

  async remove(): Promise<void> {
    this.witness.disconnect();
    await Promise.all(this.nodes.map((node) => node.remove()));
  }
}

/** Makes one cluster of five nodes: three masters, and two replicas of the first. */
async function join(clients: readonly Redis[]): Promise<void> {
  const [first, second, third, ...replicas] = clients as [Redis, Redis, Redis, ...Redis[]];
  await first.call('CLUSTER', 'ADDSLOTSRANGE', 0, LAST_SLOT - 2);
  await second.cluster('ADDSLOTS', LAST_SLOT - 1);
  await third.cluster('ADDSLOTS', LAST_SLOT);
  for (const [i, client] of clients.entries()) await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  for (const [i, client] of clients.entries())
    for (const other of clients.slice(i + 1)) {
      const { port } = other.options as { port: number };
      const [, busPort] = (await other.config('GET', 'cluster-port')) as [string, string];
      await client.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
    }
  const id = String(await first.call('CLUSTER', 'MYID'));
  // refused until the replica knows that master
  for (const replica of replicas) await eventually(() => replica.call('CLUSTER', 'REPLICATE', id), READY_TIMEOUT_MS);
  await eventually(async () => expectReplicas(await first.info('replication'), replicas.length), READY_TIMEOUT_MS);
  await eventually(async () => {
    for (const client of clients) {
      const info = String(await client.call('CLUSTER', 'INFO'));
      const agreed = info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${clients.length}\r`);
      if (!agreed) throw new Error(`not yet agreed: ${info}`);
    }
  }, READY_TIMEOUT_MS);
}

function expectReplicas(info: string, count: number): void {
  const online = info.match(/^slave\d+:.*state=online/gm)?.length ?? 0;
  if (online < count) throw new Error(`${online} of ${count} replicas are in step:\n${info}`);
}
