import { Redis, type RedisOptions } from 'ioredis';
import { Unavailable, type DependencyRole } from '@tocsin/contracts';
import { fullJitter, within } from '@tocsin/timing';
import { namesCluster, redisAddresses } from './cluster/addresses';
import { connectorTo, saysMoved } from './cluster/owner-connector';
import { SlotOwner } from './cluster/slot-owner';

const CONNECT_TIMEOUT_MS = 2_000;
/** A process that stands still lets the system accept connections, and says nothing on them. */
const READY_TIMEOUT_MS = 2_000;
const RECONNECT = { firstMs: 100, capMs: 2_000 };

/**
 * Makes a client that reports an outage at once: it queues nothing while Redis is away, sends nothing again afterwards,
 * and a command without a reply fails at once when the connection ends. By default ioredis does the opposite of all
 * three, which would delay the publisher for a hint that the event log replaces. The client does not connect by itself.
 * Of several addresses, it connects to the node that serves the keys of the prefix.
 */
export function newClient(urls: string, connectionName: string, prefix: string): Redis {
  const [first, ...others] = redisAddresses(urls) as [string, ...string[]];
  const options: RedisOptions = {
    lazyConnect: true,
    connectionName,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: 500,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => fullJitter(attempt - 1, RECONNECT),
    ...(others.length > 0 && {
      Connector: connectorTo(new SlotOwner([first, ...others], prefix)),
      reconnectOnError: saysMoved,
    }),
  };
  const client = new Redis(first, options);
  // the caller of a command sees the errors that matter; without a listener ioredis would print them
  client.on('error', () => {});
  let waiting: NodeJS.Timeout | undefined;
  client.on('connect', () => (waiting = setTimeout(() => client.disconnect(true), READY_TIMEOUT_MS)));
  for (const decided of ['ready', 'close']) client.on(decided, () => clearTimeout(waiting));
  return client;
}

/** Whether Redis itself sent an error, such as a right that is missing. The end of a connection is none. */
export const isReply = (error: unknown): error is Error => error instanceof Error && error.name === 'ReplyError';

/** The connection for commands, shared by all adapters that send some. Reconnects by itself. */
export class RedisConnection {
  private readonly client: Redis;
  private firstAttempt: Promise<void> | undefined;
  private lostAt: Date | undefined;
  /** What it was last lost by, or could not connect for. */
  private trouble: Error | undefined;

  /** `prefix` stands before every key of its commands. */
  constructor(
    private readonly urls: string,
    private readonly prefix: string,
  ) {
    this.client = newClient(urls, 'tocsin-commands', prefix);
    this.client.on('ready', () => {
      this.lostAt = undefined;
      this.trouble = undefined;
    });
    this.client.on('error', (error: Error & { command?: unknown }) => {
      delete error.command; // that of AUTH has the password
      this.trouble = error;
    });
    // `close` also follows every failed attempt to reconnect: the first one counts
    this.client.on('close', () => (this.lostAt ??= new Date()));
  }

  get connected(): boolean {
    return this.client.status === 'ready';
  }

  /** Calls `onChange` whenever `connected` may have changed. */
  watch(onChange: () => void): void {
    this.client.on('ready', onChange);
    this.client.on('close', onChange);
  }

  /** Starts to connect and returns at once. May be called twice. */
  open(): void {
    this.firstAttempt ??= this.client.connect().catch(() => {});
  }

  /**
   * Does `work` for the port of this role. Throws `Unavailable` after `timeoutMs`, or at once while Redis is away. A
   * Redis that is too slow loses the connection: otherwise its missing replies would pile up here.
   */
  async run<T>(role: DependencyRole, timeoutMs: number, work: (client: Redis) => Promise<T>): Promise<T> {
    this.open();
    try {
      return await within(timeoutMs, this.afterFirstAttempt(work), () => {
        this.client.disconnect(true);
        throw new Error(`no answer within ${timeoutMs} ms`);
      });
    } catch (error) {
      throw new Unavailable(role, 'Redis does not answer.', {
        technology: 'redis',
        cause: this.connected ? error : (this.trouble ?? error),
        since: this.lostAt,
      });
    }
  }

  /** Rejects when Redis does not serve this system. In a cluster a node answers a PING that may serve no key. */
  async check(role: DependencyRole, timeoutMs: number): Promise<void> {
    const key = `${this.prefix}check`;
    await this.run<unknown>(role, timeoutMs, (client) =>
      namesCluster(this.urls) ? client.exists(key) : client.ping(),
    );
  }

  /** What to tell the operator whose one address leads to a node of a cluster: it serves a part of the keys. */
  async clusterWarning(role: DependencyRole, timeoutMs: number): Promise<string[]> {
    if (namesCluster(this.urls)) return [];
    // a managed service may refuse it
    const info = await this.run(role, timeoutMs, (client) => client.info('cluster').catch(() => ''));
    return /^cluster_enabled:1/m.test(info)
      ? ['REDIS_URL names one node of a Redis Cluster: name several, separated by commas (docs/engines.md)']
      : [];
  }

  /** Ends the connection. May be called twice. */
  close(): void {
    this.firstAttempt ??= Promise.resolve();
    this.client.disconnect();
  }

  private async afterFirstAttempt<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    if (!this.connected) await this.firstAttempt;
    return work(this.client);
  }
}
