import type { KeyObject } from 'node:crypto';
import {
  decodeSignedHints,
  encodeHint,
  encodeSignedHints,
  topicOf,
  Unavailable,
  type TenantId,
} from '@tocsin/contracts';
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
}

const PUBLISH_TIMEOUT_MS = 500;
/** The largest message. Hints of one tenant in one batch share messages of at most this size. */
const MAX_MESSAGE_BYTES = 16 * 1024;
/**
 * A larger hint is sent without its data: a gateway that reads the event log costs less than a Redis that copies the
 * data to each gateway. The rest of the message is its signature.
 */
const MAX_HINT_BYTES = MAX_MESSAGE_BYTES - 64;
/** The same limit for all hints of one tenant in one batch. */
const MAX_BATCH_BYTES = 256 * 1024;

/**
 * The event bus on Redis Pub/Sub. Publishing and subscribing use a connection each; the second one opens with the first
 * subscription.
 */
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
    commands.watch(() => this.metrics.busUp.set(Number(this.connected)));
  }

  override get connected(): boolean {
    return this.subscriber.wanted ? this.subscriber.connected : this.commands.connected;
  }

  override async publish(hints: readonly PublishedHint[]): Promise<void> {
    if (hints.length === 0) return;
    const messages = messagesOf(hints, this.prefix, this.key.current ?? (await this.key.find()));
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
  }

  /**
   * Undefined for a message that holds no hints of this system. The listener then reads the event log, when its limits
   * allow it.
   */
  private decode(topic: string, bytes: Buffer) {
    if (!this.key.current) void this.key.find();
    // the bus publishes no message of this length
    return bytes.length > MAX_MESSAGE_BYTES ? undefined : decodeSignedHints(topic, bytes, this.key.current);
  }

  private noteState(listening: boolean): void {
    this.metrics.busUp.set(Number(this.connected));
    if (!listening) {
      if (this.interruptions++ === 0) this.log.warn('hints do not arrive: Redis is away');
    } else if (this.interruptions > 0) {
      this.interruptions = 0;
      this.metrics.busSubscriberReconnects.inc();
      this.log.info('hints arrive again');
    }
  }
}

/**
 * The hints of each tenant in as few messages as hold them, in their order: a message costs a command, a signature and
 * a delivery to each gateway, however many hints it holds.
 */
function messagesOf(
  hints: readonly PublishedHint[],
  prefix: string,
  key: KeyObject | undefined,
): { tenant_id: TenantId; topic: string; hints: number; bytes: Buffer }[] {
  const byTenant = new Map<TenantId, PublishedHint[]>();
  for (const hint of hints) {
    const others = byTenant.get(hint.tenant_id);
    if (others) others.push(hint);
    else byTenant.set(hint.tenant_id, [hint]);
  }
  return [...byTenant].flatMap(([tenant, ofTenant]) => {
    const topic = topicOf(tenant, prefix);
    // an unsigned hint is not trusted: it only wakes the gateway, which reads the event log
    const encoded = key ? encodeWithinLimits(ofTenant) : ofTenant.map(encodeBare);
    return groupsOf(encoded).map((group) => ({
      tenant_id: tenant,
      topic,
      hints: group.length,
      bytes: encodeSignedHints(topic, group, key),
    }));
  });
}

const encodeBare = (hint: PublishedHint): Buffer => encodeHint({ ...hint, data: null });

/** The hints of one tenant, without the data that is beyond the limits. */
function encodeWithinLimits(hints: readonly PublishedHint[]): Buffer[] {
  let size = 0;
  const encoded = hints.map((hint) => {
    const whole = encodeHint(hint);
    const bytes = whole.length > MAX_HINT_BYTES ? encodeBare(hint) : whole;
    size += bytes.length;
    return bytes;
  });
  return size > MAX_BATCH_BYTES ? hints.map(encodeBare) : encoded;
}

/** Groups of encoded hints that share a message. */
function groupsOf(encoded: readonly Buffer[]): Buffer[][] {
  const groups: Buffer[][] = [];
  let size = 0;
  for (const bytes of encoded) {
    const last = groups.at(-1);
    if (last && size + 1 + bytes.length <= MAX_HINT_BYTES) {
      last.push(bytes);
      size += 1 + bytes.length;
    } else {
      groups.push([bytes]);
      size = bytes.length;
    }
  }
  return groups;
}
