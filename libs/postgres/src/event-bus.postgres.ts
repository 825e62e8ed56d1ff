import { createHash } from 'node:crypto';
import { decodeSignedHints, hintMessages, topicOf, Unavailable, type Hint, type TenantId } from '@tocsin/contracts';
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
import type { Database } from './database';
import type { ChannelListener, ListeningSession } from './listening-session';

interface PostgresEventBusOptions {
  /** Signs hints, in place of the key that the system keeps. */
  hintKey?: string | undefined;
  /** The source of the key that the system keeps. */
  keptKey?: HintKey;
}

const PUBLISH_WITHIN_MS = 500;
/**
 * How many channels carry the hints of all tenants. A gateway listens only to those of the tenants that it follows;
 * more channels would only make the list longer that PostgreSQL walks through at each notification.
 */
const CHANNELS = 16;
/** PostgreSQL takes payloads of less than 8,000 bytes; a topic and a line end stand before the message. */
const MAX_PAYLOAD_BYTES = 7_999;
const MAX_TOPIC_BYTES = 300;
const LIMITS = { message: MAX_PAYLOAD_BYTES - MAX_TOPIC_BYTES - 1, batch: 256 * 1024 };
const LF = 0x0a;

/**
 * The event bus on NOTIFY and LISTEN, for an installation without Redis. Hints are published apart from the transaction
 * that stores their entries: PostgreSQL lets one transaction with notifications commit at a time.
 */
export class PostgresEventBus extends EventBus {
  private readonly key: SigningKey;
  private readonly topics = new Map<string, Set<HintListener>>();
  private readonly channels = new Map<string, Promise<Subscription>>();
  private readonly outage: HintOutage;

  constructor(
    { hintKey, keptKey }: PostgresEventBusOptions,
    private readonly database: Database,
    private readonly session: ListeningSession,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {
    super();
    this.key = new SigningKey(hintKey, keptKey, log);
    this.outage = new HintOutage(
      'hints do not arrive: the session that listens is away',
      metrics.busSubscriberReconnects,
      log,
    );
    metrics.busUp.set(1);
    session.watch((listening) => this.noteState(listening));
  }

  /** Publishing goes through the pool, whose state the health check of the database tells. */
  override get connected(): boolean {
    return !this.session.wanted || this.session.listening;
  }

  override async publish(hints: readonly PublishedHint[]): Promise<void> {
    if (hints.length === 0) return;
    const messages = hintMessages(hints, '', this.key.current ?? (await this.key.find()), LIMITS);
    try {
      await this.database.call(
        'select tocsin.notify_channels($1, $2)',
        [
          messages.map(({ topic }) => channelOf(topic)),
          messages.map(({ topic, bytes }) => `${topic}\n${bytes.toString()}`),
        ],
        { withinMs: PUBLISH_WITHIN_MS },
      );
    } catch (error) {
      throw new Unavailable('bus', 'PostgreSQL takes no hints.', { technology: 'postgres', cause: error });
    }
    for (const { tenant_id, topic, hints: published } of messages)
      this.log.debug({ tenant_id, topic, hints: published }, 'hints published');
  }

  override async subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription> {
    if (!this.key.current) await this.key.find();
    const topic = topicOf(tenant);
    const listeners = this.topics.get(topic) ?? new Set();
    // a listener may subscribe twice, and ends each subscription by itself
    const own: HintListener = { onHint: (hint) => listener.onHint(hint), onResumed: () => listener.onResumed() };
    this.topics.set(topic, listeners.add(own));
    await this.listenTo(channelOf(topic));
    this.log.debug({ tenant_id: tenant, topic }, 'subscribed to the hints of a tenant');
    return {
      close: () => {
        listeners.delete(own);
        if (listeners.size === 0 && this.topics.get(topic) === listeners) this.topics.delete(topic);
      },
    };
  }

  /** Ends every subscription; the session is closed by its owner. May be called twice. */
  close(): void {
    this.topics.clear();
  }

  private async listenTo(channel: string): Promise<void> {
    const known = this.channels.get(channel);
    const listening = known ?? this.session.listen(channel, this.channelListener(channel));
    this.channels.set(channel, listening);
    await listening;
  }

  private channelListener(channel: string): ChannelListener {
    return {
      onNotification: (payload) => this.deliver(payload),
      onResumed: () => {
        for (const [topic, listeners] of this.topics)
          if (channelOf(topic) === channel) for (const listener of [...listeners]) listener.onResumed();
      },
    };
  }

  private deliver(payload: string): void {
    const bytes = Buffer.from(payload);
    const topicEnd = bytes.indexOf(LF);
    const topic = bytes.toString('utf8', 0, Math.max(0, topicEnd));
    const listeners = this.topics.get(topic);
    if (!listeners) return;
    if (!this.key.current) void this.key.find();
    const hints: readonly (Hint | undefined)[] = decodeSignedHints(
      topic,
      bytes.subarray(topicEnd + 1),
      this.key.current,
    ) ?? [undefined];
    for (const listener of [...listeners]) for (const hint of hints) listener.onHint(hint);
  }

  private noteState(listening: boolean): void {
    this.metrics.busUp.set(Number(listening));
    this.outage.note(listening);
  }
}

/** The channel of a topic, the same in every process. */
const channelOf = (topic: string): string =>
  `tocsin_hints_${createHash('md5').update(topic).digest().readUInt16BE() % CHANNELS}`;
