import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Delivery, DeliveryListener, DeliverySession, SourceQueue } from '@tocsin/contracts/ports';
import type { BrokerConnection, KeptChannel } from '@tocsin/publisher';

/** A delivery with the message as the broker sent it, which the channel knows it by. */
export interface RabbitDelivery extends Delivery {
  readonly raw: ConsumeMessage;
}

/**
 * A queue that is consumed, on a channel of its own: its deliveries are numbered in its own order then. Channel and consumer
 * come back by themselves. Each channel is a session: nothing is told to one that did not deliver the message, which would
 * close it.
 */
export class ConsumedQueue {
  readonly channel: KeptChannel;
  private open: ConfirmChannel | undefined;
  private consumerTag: string | undefined;
  private waits = false;
  private cancelled = false;
  /** How many messages have arrived since the start. */
  arrivals = 0;

  constructor(
    connection: BrokerConnection,
    private readonly queue: SourceQueue,
    private readonly listener: DeliveryListener,
    /** Declares what the queue needs; `remade` as in `ChannelSetup`. */
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

  /** Whether it consumes and nothing of it is in hand: then a message in the queue arrives at once. */
  get idle(): boolean {
    return this.consuming && this.listener.idle;
  }

  /** Whether it could consume, and the listener wants nothing for now. */
  get unwanted(): boolean {
    return this.waits;
  }

  /** The broker delivers nothing more. */
  async cancel(): Promise<void> {
    const { open, consumerTag } = this;
    this.cancelled = true;
    this.consumerTag = undefined;
    if (open && consumerTag) await open.cancel(consumerTag).catch(() => {});
  }

  private async start(channel: ConfirmChannel, remade: boolean): Promise<void> {
    await this.declare(channel, remade);
    this.waits = true;
    await this.listener.untilWanted().finally(() => (this.waits = false));
    if (this.cancelled) return;
    await channel.prefetch(this.queue.prefetch);
    this.consumerTag = undefined;
    this.open = channel;
    this.listener.opened(new ChannelSession(channel));
    const { consumerTag } = await channel.consume(this.name, (message) => this.take(channel, message), {
      noAck: false,
    });
    // cancelled in the meantime: nobody else would
    if (this.cancelled) await channel.cancel(consumerTag);
    else this.consumerTag = consumerTag;
  }

  private lose(): void {
    this.open = undefined;
    this.consumerTag = undefined;
    this.listener.lost();
  }

  private take(channel: ConfirmChannel, message: ConsumeMessage | null): void {
    // the broker took the consumer away, usually because its queue is gone
    if (!message) return this.channel.renew();
    if (channel !== this.open) return;
    this.arrivals += 1;
    this.listener.delivered(deliveryOf(message));
  }
}

/** Tells a channel what became of what it delivered. */
class ChannelSession implements DeliverySession {
  constructor(private readonly channel: ConfirmChannel) {}

  acknowledgeUpTo({ raw }: RabbitDelivery): void {
    tell(() => this.channel.ack(raw, true));
  }

  acknowledge({ raw }: RabbitDelivery): void {
    tell(() => this.channel.ack(raw));
  }

  giveBack({ raw }: RabbitDelivery): void {
    tell(() => this.channel.nack(raw, false, true));
  }

  /** The broker moves what is rejected to the suspects: so the queues are declared. */
  park({ raw }: RabbitDelivery): void {
    tell(() => this.channel.reject(raw, false));
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

/** Tells the broker, unless the channel closed in this very moment: then it knows already. */
function tell(what: () => void): void {
  try {
    what();
  } catch {
    // what was delivered on it comes again
  }
}
