import type { KeyObject } from 'node:crypto';
import { decodeSignedHint, encodeSignedHint, topicOf, Unavailable, type Hint, type TenantId } from '@tocsin/contracts';
import {
  EventBus,
  type HintKey,
  type HintListener,
  type PublishedHint,
  type Subscription,
} from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import type { RedisConnection } from './connection';
import { HintSubscriber } from './hint-subscriber';
import { SigningKey } from './signing-key';

export interface RedisEventBusOptions {
  url: string;
  /** Before every topic. */
  prefix: string;
  /** Signs hints, in place of the key that the system keeps. Whoever has another key reads the log instead. */
  hintKey?: string;
  /** Where the system keeps its own. Without either no hint carries its entry, and none is believed. */
  keptKey?: HintKey;
}

const PUBLISH_TIMEOUT_MS = 500;
/** Beyond it a hint goes without its data: a gateway that reads the log costs less than a Redis that copies it to each. */
const MAX_HINT_BYTES = 16 * 1024;
/** The same for all hints of one tenant in one batch. */
const MAX_BATCH_BYTES = 256 * 1024;

/** Redis Pub/Sub. Publishing and subscribing have a connection each; the second opens with the first subscription. */
export class RedisEventBus extends EventBus {
  private readonly subscriber: HintSubscriber;
  private readonly key: SigningKey;
  private readonly prefix: string;
  private interruptions = 0;

  constructor(
    { url, prefix, hintKey, keptKey }: RedisEventBusOptions,
    private readonly commands: RedisConnection,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {
    super();
    this.prefix = prefix;
    this.key = new SigningKey(hintKey, keptKey, log);
    this.subscriber = new HintSubscriber({
      url,
      decode: (topic, bytes) => this.decode(topic, bytes),
      onState: (listening) => this.noteState(listening),
    });
    commands.watch(() => this.metrics.redisUp.set(Number(this.connected)));
  }

  override get connected(): boolean {
    return this.subscriber.wanted ? this.subscriber.connected : this.commands.connected;
  }

  override async publish(hints: readonly PublishedHint[]): Promise<void> {
    if (hints.length === 0) return;
    const messages = messagesOf(hints, this.prefix, this.key.current ?? (await this.key.find()));
    const results = await this.commands.run(PUBLISH_TIMEOUT_MS, async (client) => {
      const burst = client.pipeline();
      for (const { topic, bytes } of messages) burst.publish(topic, bytes);
      return burst.exec();
    });
    const refused = results?.find(([error]) => error)?.[0];
    if (refused) throw new Unavailable('redis', 'Redis takes no hints.', { cause: refused });
  }

  override async subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription> {
    if (!this.key.current) await this.key.find();
    return this.subscriber.subscribe(topicOf(tenant, this.prefix), listener);
  }

  /** Ends every subscription. May be called twice. */
  close(): void {
    this.subscriber.close();
  }

  /** Whatever is not ours is no hint: the listener asks the log, when it may. */
  private decode(topic: string, bytes: Buffer): Hint | undefined {
    if (!this.key.current) void this.key.find();
    // nothing that is published here is so long
    return bytes.length > MAX_HINT_BYTES ? undefined : decodeSignedHint(topic, bytes, this.key.current);
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

function messagesOf(
  hints: readonly PublishedHint[],
  prefix: string,
  key: KeyObject | undefined,
): { topic: string; bytes: Buffer }[] {
  const messages = hints.map((hint) => {
    const topic = topicOf(hint.tenant_id, prefix);
    // nobody believes what is not signed: it wakes, and the gateway reads the log
    const whole = encodeSignedHint(topic, key ? hint : { ...hint, data: null }, key);
    return {
      hint,
      topic,
      bytes: whole.length > MAX_HINT_BYTES ? encodeSignedHint(topic, { ...hint, data: null }, key) : whole,
    };
  });
  const bytesOf = new Map<string, number>();
  for (const { topic, bytes } of messages) bytesOf.set(topic, (bytesOf.get(topic) ?? 0) + bytes.length);
  return messages.map(({ hint, topic, bytes }) => ({
    topic,
    bytes: bytesOf.get(topic)! > MAX_BATCH_BYTES ? encodeSignedHint(topic, { ...hint, data: null }, key) : bytes,
  }));
}
