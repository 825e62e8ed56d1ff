import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { HintKey } from '@tocsin/contracts/ports';
import { createLogger, Metrics, type Log } from '@tocsin/observability';
import { namesCluster, redisAddresses } from '../cluster/addresses';
import { connectorTo } from '../cluster/owner-connector';
import { SlotOwner } from '../cluster/slot-owner';
import { RedisConnection } from '../connection';
import { RedisDoorbell } from '../doorbell.redis';
import { RedisEventBus } from '../event-bus.redis';
import { RedisPlainMessages } from '../plain/plain-messages.redis';
import { RedisRequestRates } from '../request-rates.redis';
import { RedisStreamSlots } from '../stream-slots.redis';
import { RedisTicketStore } from '../ticket-store.redis';

export function redisUrl(): string {
  const url = process.env.REDIS_URL;
  if (!url) throw new Error('This test needs a Redis: set REDIS_URL.');
  return url;
}

/** A test's own topics and keys on the real Redis, or on a cluster, and a plain client beside them. */
export class OwnRedis {
  readonly prefix: string;
  readonly plain: Redis;
  readonly metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
  private readonly silent = createLogger({ app: 'test', level: 'silent' });
  private readonly closers: (() => void)[] = [];
  private readonly stoppers: (() => Promise<void>)[] = [];

  constructor(private readonly urls = redisUrl()) {
    const name = `test-${randomBytes(6).toString('hex')}`;
    const inCluster = namesCluster(urls);
    this.prefix = inCluster ? `{${name}}:` : `${name}:`;
    const addresses = redisAddresses(urls);
    const Connector = inCluster ? connectorTo(new SlotOwner(addresses, this.prefix)) : undefined;
    this.plain = new Redis(addresses[0]!, { Connector });
  }

  connection(url = this.urls): RedisConnection {
    const connection = new RedisConnection(url, this.prefix);
    this.closers.push(() => connection.close());
    return connection;
  }

  /**
   * A bus. It signs with one key for all tests unless it gets another one, or a source of the key that the system
   * keeps.
   */
  bus({
    url = this.urls,
    hintKey,
    keptKey,
    plainPrefix,
    bridgesPlain,
    log = this.silent,
  }: {
    url?: string;
    hintKey?: string;
    keptKey?: HintKey;
    plainPrefix?: string;
    bridgesPlain?: boolean;
    log?: Log;
  } = {}): RedisEventBus {
    const key = hintKey ?? (keptKey ? undefined : 'the key of all tests, which is no secret');
    const bus = new RedisEventBus(
      { url, prefix: this.prefix, hintKey: key, keptKey, plainPrefix, bridgesPlain },
      this.connection(url),
      log,
      this.metrics,
    );
    this.closers.push(() => bus.close());
    return bus;
  }

  /** A process that listens for plain messages, under the prefix of the test and under `plain:` after it. */
  plainMessages(url = this.urls, log = this.silent): RedisPlainMessages {
    const { prefix } = this;
    const messages = new RedisPlainMessages({ url, prefix, prefixes: [prefix, `${prefix}plain:`] }, log, this.metrics);
    this.stoppers.push(() => messages.stop());
    return messages;
  }

  /** A doorbell, on connections of its own unless one is given to ring over. */
  doorbell(url = this.urls, connection = this.connection(url)): RedisDoorbell {
    const doorbell = new RedisDoorbell({ url, prefix: this.prefix }, connection);
    this.closers.push(() => doorbell.close());
    return doorbell;
  }

  /** A gateway's slots, on a connection of their own unless one is given. */
  slots({
    connection = this.connection(),
    lifetimeMs,
  }: { connection?: RedisConnection; lifetimeMs?: number } = {}): RedisStreamSlots {
    const slots = new RedisStreamSlots(connection, { prefix: this.prefix, lifetimeMs }, this.metrics);
    this.closers.unshift(() => slots.close());
    return slots;
  }

  tickets(url = this.urls): RedisTicketStore {
    return new RedisTicketStore(this.connection(url), this.prefix);
  }

  /** Counts of requests, on a connection of their own unless one is given. */
  rates(url = this.urls, connection = this.connection(url)): RedisRequestRates {
    return new RedisRequestRates(connection, this.prefix);
  }

  /** Removes every key of the test. */
  async close(): Promise<void> {
    await Promise.all(this.stoppers.map((stop) => stop()));
    for (const close of this.closers) close();
    const keys = await this.plain.keys(`${this.prefix}*`);
    if (keys.length > 0) await this.plain.del(...keys);
    await this.plain.quit();
  }
}
