import { createSecretKey, type KeyObject } from 'node:crypto';
import { topicOf, Unavailable, type TenantId } from '@tocsin/contracts';
import { EventBus, type HintListener, type PublishedHint, type Subscription } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import type { RedisConnection } from './connection';
import { decodeMessage, encodeMessage } from './hint-message';
import { HintSubscriber } from './hint-subscriber';

export interface RedisEventBusOptions {
  url: string;
  /** Before every topic. */
  prefix: string;
  /** Signs hints. Whoever has another key, or none, reads the log instead. */
  hintKey?: string;
}

const PUBLISH_TIMEOUT_MS = 500;
/** Beyond it a hint goes without its data: a gateway that reads the log costs less than a Redis that copies it to each. */
const MAX_HINT_BYTES = 16 * 1024;
/** The same for all hints of one tenant in one batch. */
const MAX_BATCH_BYTES = 256 * 1024;

/** Redis Pub/Sub. Publishing and subscribing have a connection each; the second opens with the first subscription. */
export class RedisEventBus extends EventBus {
  private readonly subscriber: HintSubscriber;
  private readonly key: KeyObject | undefined;
  private readonly prefix: string;
  private interruptions = 0;

  constructor(
    { url, prefix, hintKey }: RedisEventBusOptions,
    private readonly commands: RedisConnection,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {
    super();
    this.prefix = prefix;
    this.key = hintKey ? createSecretKey(Buffer.from(hintKey)) : undefined;
    this.subscriber = new HintSubscriber({
      url,
      decode: (topic, bytes) => decodeMessage(topic, bytes, this.key),
      onState: (listening) => this.noteState(listening),
    });
    commands.watch(() => this.metrics.redisUp.set(Number(this.connected)));
  }

  override get connected(): boolean {
    return this.subscriber.wanted ? this.subscriber.connected : this.commands.connected;
  }

  override async publish(hints: readonly PublishedHint[]): Promise<void> {
    if (hints.length === 0) return;
    const messages = this.messagesOf(hints);
    const results = await this.commands.run(PUBLISH_TIMEOUT_MS, async (client) => {
      const burst = client.pipeline();
      for (const { topic, bytes } of messages) burst.publish(topic, bytes);
      return burst.exec();
    });
    const refused = results?.find(([error]) => error)?.[0];
    if (refused) throw new Unavailable('redis', 'Redis takes no hints.', { cause: refused });
  }

  override subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription> {
    return this.subscriber.subscribe(topicOf(tenant, this.prefix), listener);
  }

  /** Ends every subscription. May be called twice. */
  close(): void {
    this.subscriber.close();
  }

  private messagesOf(hints: readonly PublishedHint[]): { topic: string; bytes: Buffer }[] {
    const messages = hints.map((hint) => {
      const topic = topicOf(hint.tenant_id, this.prefix);
      const whole = encodeMessage(topic, hint, this.key);
      return { hint, topic, bytes: whole.length > MAX_HINT_BYTES ? encodeMessage(topic, { ...hint, data: null }, this.key) : whole };
    });
    const bytesOf = new Map<string, number>();
    for (const { topic, bytes } of messages) bytesOf.set(topic, (bytesOf.get(topic) ?? 0) + bytes.length);
    return messages.map(({ hint, topic, bytes }) => ({
      topic,
      bytes: bytesOf.get(topic)! > MAX_BATCH_BYTES ? encodeMessage(topic, { ...hint, data: null }, this.key) : bytes,
    }));
  }

  private noteState(listening: boolean): void {
    this.metrics.redisUp.set(Number(this.connected));
    if (!listening) {
      if (this.interruptions++ === 0) this.log.warn('hints do not arrive: Redis is away');
    } else if (this.interruptions > 0) {
      this.interruptions = 0;
      this.metrics.redisSubscriberReconnects.inc();
      this.log.info('hints arrive again');
    }
  }
}
