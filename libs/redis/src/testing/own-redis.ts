import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { HintKey } from '@tocsin/contracts/ports';
import { createLogger, Metrics, type Log } from '@tocsin/observability';
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

/** A test's own topics and keys on the real Redis, and a plain client beside them. */
export class OwnRedis {
  readonly prefix = `test-${randomBytes(6).toString('hex')}:`;
  readonly plain = new Redis(redisUrl());
  readonly metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
  private readonly silent = createLogger({ app: 'test', level: 'silent' });
  private readonly closers: (() => void)[] = [];
  private readonly stoppers: (() => Promise<void>)[] = [];

  connection(url = redisUrl()): RedisConnection {
    const connection = new RedisConnection(url);
    this.closers.push(() => connection.close());
    return connection;
  }

  /**
   * A bus. It signs with one key for all tests unless it gets another one, or a source of the key that the system
   * keeps.
   */
  bus({
    url = redisUrl(),
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
  plainMessages(url = redisUrl()): RedisPlainMessages {
    const { prefix } = this;
    const messages = new RedisPlainMessages(
      { url, prefix, prefixes: [prefix, `${prefix}plain:`] },
      this.silent,
      this.metrics,
    );
    this.stoppers.push(() => messages.stop());
    return messages;
  }

  /** A doorbell, on connections of its own unless one is given to ring over. */
  doorbell(url = redisUrl(), connection = this.connection(url)): RedisDoorbell {
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

  tickets(url = redisUrl()): RedisTicketStore {
    return new RedisTicketStore(this.connection(url), this.prefix);
  }

  rates(url = redisUrl()): RedisRequestRates {
    return new RedisRequestRates(this.connection(url), this.prefix);
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
