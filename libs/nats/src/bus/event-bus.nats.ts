import { decodeSignedHints, hintMessages, topicOf, type TenantId } from '@tocsin/contracts';
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
import type { NatsConnection } from '../connection';
import { TopicSubscriber } from './topic-subscriber';

interface NatsEventBusOptions {
  /** Stands before every subject. */
  prefix: string;
  /** Signs hints, in place of the key that the system keeps. */
  hintKey?: string | undefined;
  /** The source of the key that the system keeps. */
  keptKey?: HintKey | undefined;
}

const PUBLISH_WITHIN_MS = 500;
/**
 * A larger hint is sent without its data: a gateway that reads the event log costs less than a NATS that copies the
 * data to each gateway.
 */
const LIMITS = { message: 16 * 1024, batch: 256 * 1024 };

/** The event bus on the publish and subscribe of NATS, which stores nothing: a subject for each tenant. */
export class NatsEventBus extends EventBus {
  private readonly subscriber: TopicSubscriber;
  private readonly key: SigningKey;
  private readonly prefix: string;

  constructor(
    { prefix, hintKey, keptKey }: NatsEventBusOptions,
    private readonly connection: NatsConnection,
    private readonly log: Log,
    metrics: Metrics,
  ) {
    super();
    this.prefix = prefix;
    this.key = new SigningKey(hintKey, keptKey, log);
    const outage = new HintOutage('hints do not arrive: NATS is away', metrics.busSubscriberReconnects, log);
    const tellGauge = () => metrics.busUp.set(Number(this.connected));
    this.subscriber = new TopicSubscriber(connection, (arriving, refusal) => {
      tellGauge();
      if (refusal) outage.note(false, 'hints do not arrive: NATS refuses the subscription', { err: refusal });
      else outage.note(arriving);
    });
    connection.watch(tellGauge);
  }

  override get connected(): boolean {
    return this.connection.connected && !this.subscriber.refused;
  }

  override async publish(hints: readonly PublishedHint[]): Promise<void> {
    if (hints.length === 0) return;
    const messages = hintMessages(hints, this.prefix, this.key.current ?? (await this.key.find()), LIMITS);
    await this.connection.run('bus', PUBLISH_WITHIN_MS, async (client) => {
      for (const { tenant_id, bytes } of messages) client.publish(this.subjectOf(tenant_id), bytes);
      // a message is not answered; the answer to a ping says that the server has all before it
      await client.flush();
    });
    for (const { tenant_id, topic, hints: published } of messages)
      this.log.debug({ tenant_id, topic, hints: published }, 'hints published');
  }

  override async subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription> {
    if (!this.key.current) await this.key.find();
    const topic = topicOf(tenant, this.prefix);
    const subscription = await this.subscriber.listen(this.subjectOf(tenant), {
      onMessage: (data) => {
        for (const hint of this.decode(topic, Buffer.from(data.buffer, data.byteOffset, data.byteLength)))
          listener.onHint(hint);
      },
      onResumed: () => listener.onResumed(),
    });
    this.log.debug({ tenant_id: tenant, topic }, 'subscribed to the hints of a tenant');
    return subscription;
  }

  /** Ends every subscription; the connection is closed by its owner. May be called twice. */
  close(): void {
    this.subscriber.close();
  }

  /** The bus publishes no message that is longer than its limit. */
  private decode(topic: string, bytes: Buffer) {
    if (!this.key.current) void this.key.find();
    const hints = bytes.length > LIMITS.message ? undefined : decodeSignedHints(topic, bytes, this.key.current);
    return hints ?? [undefined];
  }

  /** A tenant may have dots, which separate the tokens of a subject, and has no `~`. */
  private subjectOf(tenant: TenantId): string {
    return `${this.prefix}hints.${tenant.replaceAll('.', '~')}`;
  }
}
