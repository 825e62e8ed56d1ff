import {
  decodeSignedHints,
  hintMessages,
  looksLikeHints,
  topicOf,
  Unavailable,
  type TenantId,
} from '@tocsin/contracts';
import {
  EventBus,
  SigningKey,
  type HintKey,
  type HintListener,
  type PublishedHint,
  type Subscription,
} from '@tocsin/contracts/ports';
import { HintOutage } from '@tocsin/transport';
import type { Log, Metrics } from '@tocsin/observability';
import type { RedisConnection } from './connection';
import { HintSubscriber } from './hint-subscriber';
import { PlainDrops } from './plain/plain-drops';
import { PlainTopics } from './plain/plain-topics';

interface RedisEventBusOptions {
  url: string;
  /** Stands before every topic. */
  prefix: string;
  /**
   * Signs hints, in place of the key that the system keeps. A gateway with another key ignores their data and reads the
   * event log instead.
   */
  hintKey?: string;
  /**
   * The source of the key that the system keeps. Without this key and `hintKey` no hint carries its entry, and none is
   * trusted.
   */
  keptKey?: HintKey;
  /** Publishes each entry as plain JSON too, under this prefix, which differs from `prefix`. Default: it does not. */
  plainPrefix?: string;
  /**
   * Whether the plain messages that other programs publish on these topics are taken elsewhere. Then they are passed
   * over. Default: they are dropped with a warning, and the listeners are told.
   */
  bridgesPlain?: boolean;
}

const PUBLISH_TIMEOUT_MS = 500;
/**
 * A larger hint is sent without its data: a gateway that reads the event log costs less than a Redis that copies the
 * data to each gateway.
 */
const LIMITS = { message: 16 * 1024, batch: 256 * 1024 };

/**
 * The event bus on Redis Pub/Sub. Publishing and subscribing use a connection each; the second one opens with the first
 * subscription.
 */
export class RedisEventBus extends EventBus {
  private readonly subscriber: HintSubscriber;
  private readonly key: SigningKey;
  private readonly prefix: string;
  private readonly plain: PlainTopics | undefined;
  /** Undefined when the plain messages of others are taken elsewhere. */
  private readonly drops: PlainDrops | undefined;
  private readonly outage: HintOutage;

  constructor(
    { url, prefix, hintKey, keptKey, plainPrefix, bridgesPlain = false }: RedisEventBusOptions,
    private readonly commands: RedisConnection,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {
    super();
    this.prefix = prefix;
    if (plainPrefix !== undefined) this.plain = new PlainTopics(url, plainPrefix, log, metrics);
    if (!bridgesPlain) this.drops = new PlainDrops(log);
    this.key = new SigningKey(hintKey, keptKey, log);
    this.outage = new HintOutage('hints do not arrive: Redis is away', metrics.busSubscriberReconnects, log);
    this.subscriber = new HintSubscriber({
      url,
      prefix,
      decode: (topic, bytes) => this.decode(topic, bytes),
      onState: (listening, refusal) => this.noteState(listening, refusal),
    });
    commands.watch(() => this.metrics.busUp.set(Number(this.connected)));
  }

  override get connected(): boolean {
    return this.subscriber.wanted ? this.subscriber.connected : this.commands.connected;
  }

  override async publish(hints: readonly PublishedHint[]): Promise<void> {
    if (hints.length === 0) return;
    try {
      await this.publishSigned(hints);
    } finally {
      // after the hints, and not awaited: whatever becomes of it, those who publish do not notice
      void this.plain?.publish(hints);
    }
  }

  private async publishSigned(hints: readonly PublishedHint[]): Promise<void> {
    const messages = hintMessages(hints, this.prefix, this.key.current ?? (await this.key.find()), LIMITS);
    const results = await this.commands.run('bus', PUBLISH_TIMEOUT_MS, async (client) => {
      const burst = client.pipeline();
      for (const { topic, bytes } of messages) burst.publish(topic, bytes);
      return burst.exec();
    });
    const refused = results?.find(([error]) => error)?.[0];
    if (refused) throw new Unavailable('bus', 'Redis takes no hints.', { technology: 'redis', cause: refused });
    messages.forEach(({ tenant_id, topic, hints: published }, at) =>
      this.log.debug({ tenant_id, topic, hints: published, subscribers: results?.[at]?.[1] }, 'hints published'),
    );
  }

  override async subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription> {
    if (!this.key.current) await this.key.find();
    const topic = topicOf(tenant, this.prefix);
    const subscription = await this.subscriber.subscribe(topic, listener);
    this.log.debug({ tenant_id: tenant, topic }, 'subscribed to the hints of a tenant');
    return subscription;
  }

  /** Ends every subscription. May be called twice. */
  close(): void {
    this.subscriber.close();
    this.plain?.close();
  }

  /**
   * Undefined for a message that holds no hints of this system. The listener then reads the event log, when its limits
   * allow it.
   */
  private decode(topic: string, bytes: Buffer) {
    if (!this.key.current) void this.key.find();
    // the bus publishes no message of this length
    const hints = bytes.length > LIMITS.message ? undefined : decodeSignedHints(topic, bytes, this.key.current);
    if (hints || looksLikeHints(bytes)) return hints;
    if (!this.drops) return []; // an alert of another program: its hint follows when it is stored
    this.drops.dropped(topic);
    return undefined;
  }

  private noteState(listening: boolean, refusal?: Error): void {
    this.metrics.busUp.set(Number(this.connected));
    if (refusal) this.outage.note(false, 'hints do not arrive: Redis refuses the subscription', { err: refusal });
    else this.outage.note(listening);
  }
}
