import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Delivery, DeliveryListener, DeliverySession, SourceQueue } from '@tocsin/contracts/ports';
import type { BrokerConnection, KeptChannel } from '@tocsin/publisher';

/**
 * How long an acknowledgement waits for the next ones, in milliseconds: the broker and this process do as much work for
 * one message as for all that came before it. After a crash meanwhile the broker delivers these messages again, and the
 * event log knows them.
 */
const ACKNOWLEDGE_WITHIN_MS = 20;

/** A delivery with the raw message of the broker, which the channel needs to acknowledge it. */
export interface RabbitDelivery extends Delivery {
  readonly raw: ConsumeMessage;
}

/**
 * A consumed queue, on a channel of its own, so that the delivery tags follow its own order. Channel and consumer come
 * back by themselves. Each channel is a session: a message is acknowledged only on the channel that delivered it,
 * because any other channel would be closed for it.
 */
export class ConsumedQueue {
  readonly channel: KeptChannel;
  private open: ConfirmChannel | undefined;
  private session: ChannelSession | undefined;
  private consumerTag: string | undefined;
  private waits = false;
  private cancelled = false;
  /** How many messages have arrived since the start. */
  arrivals = 0;
  private heardAt = performance.now();
  private triedAt = -Infinity;
  private renewing = false;

  constructor(
    connection: BrokerConnection,
    private readonly queue: SourceQueue,
    private readonly listener: DeliveryListener,
    /** Declares the topology that the queue needs; `remade` as in `ChannelSetup`. */
    private readonly declare: (channel: ConfirmChannel, remade: boolean) => Promise<void>,
  ) {
    this.channel = connection.keep(
      (channel, remade) => this.start(channel, remade),
      () => this.lose(),
    );
  }

  get name(): string {
    return this.queue.name;
  }

  get consuming(): boolean {
    return this.consumerTag !== undefined;
  }

  /** Whether it consumes and has no unsettled message. Then a message in the queue arrives at once. */
  get idle(): boolean {
    return this.consumerTag !== undefined && this.listener.idle;
  }

  /**
   * How long it has received nothing since its last message, the start of its consumer, or the last attempt to make
   * that anew, in milliseconds.
   */
  get quietMs(): number {
    return performance.now() - Math.max(this.heardAt, this.triedAt);
  }

  /** Whether it could consume, but the listener wants no messages now. */
  get unwanted(): boolean {
    return this.waits;
  }

  /**
   * Makes the consumer anew, although nothing is known to be wrong with it. The new one consumes before the old one
   * ends: otherwise a check would find a queue without a consumer whenever nothing happens. The old one stays while the
   * listener wants no messages, when a message is in hand or arrives in the meantime, and when there is an error. An
   * error of a queue that could have been renewed is thrown.
   */
  async renew(): Promise<void> {
    // one that fails, or hangs, must not keep the others from their turn
    this.triedAt = performance.now();
    if (this.renewing) return;
    this.renewing = true;
    try {
      await this.listener.untilWanted();
      if (this.idle) await this.channel.replace((channel, takeOver) => this.succeed(channel, takeOver));
    } catch (error) {
      // else a message arrived, or the connection is lost
      if (this.idle) throw error;
    } finally {
      this.renewing = false;
    }
  }

  /** Cancels the consumer: the broker delivers nothing more. */
  async cancel(): Promise<void> {
    const { open, consumerTag } = this;
    this.cancelled = true;
    this.consumerTag = undefined;
    if (open && consumerTag) await open.cancel(consumerTag).catch(() => {});
  }

  /** Sends the acknowledgements that wait. */
  acknowledgeNow(): void {
    this.session?.acknowledgeNow();
  }

  private async start(channel: ConfirmChannel, remade: boolean): Promise<void> {
    await this.declare(channel, remade);
    this.waits = true;
    await this.listener.untilWanted().finally(() => (this.waits = false));
    if (this.cancelled) return;
    await channel.prefetch(this.queue.prefetch);
    this.consumerTag = undefined;
    this.use(channel);
    const { consumerTag } = await channel.consume(this.name, (message) => this.take(channel, message), {
      noAck: false,
    });
    // `cancel` was called in the meantime and had no consumer tag yet
    if (this.cancelled) await channel.cancel(consumerTag);
    else this.consumerTag = consumerTag;
  }

  /**
   * Consumes on another channel, which takes over in a moment in which nothing is in hand. What has come on it before
   * waits for that moment; what is still under way on the old channel comes again on the new one.
   */
  private async succeed(channel: ConfirmChannel, takeOver: () => void): Promise<void> {
    await this.declare(channel, true);
    await channel.prefetch(this.queue.prefetch);
    const early: (ConsumeMessage | null)[] = [];
    const { consumerTag } = await channel.consume(
      this.name,
      (message) => void (channel === this.open ? this.take(channel, message) : early.push(message)),
      { noAck: false },
    );
    if (!this.idle) throw new Error('The old consumer has to settle a message, or was cancelled.');
    // the old channel is the only one that can
    this.acknowledgeNow();
    takeOver();
    this.use(channel);
    this.consumerTag = consumerTag;
    for (const message of early) this.take(channel, message);
  }

  private use(channel: ConfirmChannel): void {
    this.open = channel;
    this.heardAt = performance.now();
    this.session = new ChannelSession(channel, this.queue.prefetch);
    this.listener.opened(this.session);
  }

  private lose(): void {
    this.open = undefined;
    this.consumerTag = undefined;
    this.listener.lost();
  }

  private take(channel: ConfirmChannel, message: ConsumeMessage | null): void {
    if (channel !== this.open) return;
    // the broker cancelled the consumer, usually because the queue was deleted
    if (!message) return this.channel.renew();
    this.arrivals += 1;
    this.heardAt = performance.now();
    this.listener.delivered(deliveryOf(message));
  }
}

/** Acknowledges, gives back or parks on the channel that delivered. */
class ChannelSession implements DeliverySession {
  private upTo: ConsumeMessage | undefined;
  private soon: NodeJS.Timeout | undefined;
  private acknowledged = 0;

  constructor(
    private readonly channel: ConfirmChannel,
    private readonly prefetch: number,
  ) {}

  acknowledgeUpTo({ raw }: RabbitDelivery): void {
    this.upTo = raw;
    // otherwise the broker would stop delivering although nothing is in hand
    if (raw.fields.deliveryTag - this.acknowledged >= this.prefetch / 4) this.acknowledgeNow();
    else this.soon ??= setTimeout(() => this.acknowledgeNow(), ACKNOWLEDGE_WITHIN_MS);
  }

  acknowledgeNow(): void {
    clearTimeout(this.soon);
    const { upTo } = this;
    this.soon = this.upTo = undefined;
    if (!upTo) return;
    this.acknowledged = upTo.fields.deliveryTag;
    tell(() => this.channel.ack(upTo, true));
  }

  acknowledge({ raw }: RabbitDelivery): void {
    this.send(() => this.channel.ack(raw));
  }

  giveBack({ raw }: RabbitDelivery): void {
    this.send(() => this.channel.nack(raw, false, true));
  }

  /** Rejects the message. The queues are declared so that the broker moves rejected messages to the suspects. */
  park({ raw }: RabbitDelivery): void {
    this.send(() => this.channel.reject(raw, false));
  }

  /** In the order in which it was asked for: what waits goes first. */
  private send(what: () => void): void {
    this.acknowledgeNow();
    tell(what);
  }
}

function deliveryOf(raw: ConsumeMessage): RabbitDelivery {
  const { content, fields, properties } = raw;
  return {
    raw,
    returns: Number(properties.headers?.['x-delivery-count'] ?? 0),
    message: {
      body: content,
      routing_key: fields.routingKey,
      message_id: properties.messageId,
      timestamp: properties.timestamp,
      content_type: properties.contentType,
      content_encoding: properties.contentEncoding,
      headers: properties.headers,
      redelivered: fields.redelivered,
    },
  };
}

/** Sends to the broker, unless the channel has just closed: then the messages come again anyway. */
function tell(what: () => void): void {
  try {
    what();
  } catch {
    // the messages of a closed channel are delivered again
  }
}
