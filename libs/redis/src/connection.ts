import { Redis, type RedisOptions } from 'ioredis';
import { Unavailable, type DependencyRole } from '@tocsin/contracts';
import { fullJitter, within } from '@tocsin/timing';

const CONNECT_TIMEOUT_MS = 2_000;
/** A process that stands still lets the system accept connections, and says nothing on them. */
const READY_TIMEOUT_MS = 2_000;
const RECONNECT = { firstMs: 100, capMs: 2_000 };

/**
 * Makes a client that reports an outage at once: it queues nothing while Redis is away, sends nothing again afterwards,
 * and a command without a reply fails at once when the connection ends. By default ioredis does the opposite of all
 * three, which would delay the publisher for a hint that the event log replaces. The client does not connect by itself.
 */
export function newClient(url: string, connectionName: string): Redis {
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
  };
  const client = new Redis(url, options);
  // the caller of a command sees the errors that matter; without a listener ioredis would print them
  client.on('error', () => {});
  let waiting: NodeJS.Timeout | undefined;
  client.on('connect', () => (waiting = setTimeout(() => client.disconnect(true), READY_TIMEOUT_MS)));
  for (const decided of ['ready', 'close']) client.on(decided, () => clearTimeout(waiting));
  return client;
}

/** The connection for commands, shared by all adapters that send some. Reconnects by itself. */
export class RedisConnection {
  private readonly client: Redis;
  private firstAttempt: Promise<void> | undefined;
  private lostAt: Date | undefined;

  constructor(url: string) {
    this.client = newClient(url, 'tocsin-commands');
    this.client.on('ready', () => (this.lostAt = undefined));
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
        cause: error,
        since: this.lostAt,
      });
    }
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
