import type { ConfirmChannel, Message } from 'amqplib';
import { BrokerConnection, type BrokerConnectionOptions } from './broker-connection';
import { BrokerUnavailable, type BrokerObstacle } from './broker-unavailable';
import type { ChannelSetup, KeptChannel } from './kept-channel';

/** One message for an exchange. The default exchange is `''`, with a queue's name as the routing key. */
export interface Publication {
  exchange: string;
  routingKey: string;
  /** Becomes the AMQP `message_id`. */
  id: string;
  body: Buffer;
  /** Becomes the AMQP timestamp, in epoch seconds. Default now. */
  timestamp?: number;
  /** The encoding of a compressed body, such as `gzip`. Unset for a body that is not compressed. */
  contentEncoding?: string;
  headers?: Readonly<Record<string, unknown>>;
}

/** The outcome of one published message. `failed` does not mean that it is lost: it may still arrive. */
export type PublishOutcome =
  { id: string; outcome: 'confirmed' } | { id: string; outcome: 'failed'; reason: PublishFailure };

/**
 * Why a message was not confirmed:
 *
 * - `unroutable`: no queue is bound for it. No consumer gets it.
 * - `nacked`: the broker refused it, usually because a queue is full.
 * - `connection_lost`: the channel or the connection ended before the confirmation came.
 * - `blocked`: the broker raised an alarm before the message was sent.
 * - `timeout`: the confirmation did not come in time.
 * - `not_sendable`: it cannot be written as an AMQP message (headers beyond 64 KiB, a routing key beyond 255 bytes).
 */
export type PublishFailure = 'unroutable' | 'nacked' | 'connection_lost' | 'blocked' | 'timeout' | 'not_sendable';

interface ConfirmingPublisherOptions extends BrokerConnectionOptions {
  /** Declares the exchanges and queues that the publisher needs, on every channel that is made. */
  declare: ChannelSetup;
  /**
   * How many messages may wait for the broker's confirmation at once. Default 256: it keeps a broker busy, and it
   * bounds how many outcomes a lost connection leaves unknown.
   */
  maxInFlight?: number;
  /** How many more messages may wait until they can be sent. Default 4,096, eight batches of the HTTP intake. */
  maxWaiting?: number;
  /** The timeout of one `publish`, in milliseconds. Default 4,500, so that the caller has its outcomes within 5 s. */
  confirmTimeoutMs?: number;
}

interface Call {
  publications: readonly Publication[];
  /** Filled in as the confirmations come. A message that has no outcome in the end has timed out. */
  outcomes: (PublishOutcome | undefined)[];
  open: number;
  sent: number;
  timer: NodeJS.Timeout;
  resolve(outcomes: PublishOutcome[]): void;
  reject(error: Error): void;
}

interface Waiting {
  publication: Publication;
  index: number;
  call: Call;
}

/**
 * How many bytes are written to the socket in one turn of the event loop. The rest waits, so that other work gets its
 * turn.
 */
const BYTES_A_TURN = 512 * 1024;

/**
 * Publishes with confirms: a message counts as published once the broker confirms that it is durable, and only if a
 * queue took it. Time and messages in flight are bounded. When a channel is lost, its unconfirmed messages fail and a
 * new one is made.
 */
export class ConfirmingPublisher {
  private readonly connection: BrokerConnection;
  private readonly channel: KeptChannel;
  private readonly maxInFlight: number;
  private readonly maxWaiting: number;
  private readonly confirmTimeoutMs: number;
  private readonly waiting: Waiting[] = [];
  /** Messages that the broker returned as unroutable, by id. The return arrives before the confirmation. */
  private readonly returned = new Map<string, number>();
  private inFlight = 0;
  private tick: NodeJS.Immediate | undefined;
  private closed = false;

  constructor(options: ConfirmingPublisherOptions) {
    this.maxInFlight = options.maxInFlight ?? 256;
    this.maxWaiting = options.maxWaiting ?? 4_096;
    this.confirmTimeoutMs = options.confirmTimeoutMs ?? 4_500;
    this.connection = new BrokerConnection({
      ...options,
      onBlocked: (blocked) => {
        options.onBlocked?.(blocked);
        if (blocked) this.failWaiting('blocked');
      },
    });
    this.channel = this.connection.keep(
      async (channel, remade) => {
        channel.on('return', (message) => this.noteReturn(message));
        await options.declare(channel, remade);
      },
      () => {
        this.returned.clear();
        this.failWaiting('connection_lost');
      },
    );
  }

  get connected(): boolean {
    return this.channel.current !== undefined;
  }

  /** The broker's reason while nothing can be published, such as a right that is missing; undefined otherwise. */
  get trouble(): unknown {
    return this.channel.trouble;
  }

  /** Starts to connect and returns at once. May be called twice. */
  open(): void {
    if (!this.closed) this.connection.open();
  }

  /**
   * Resolves once messages can be published. Rejects with `BrokerUnavailable` after `timeoutMs`, and goes on
   * connecting.
   */
  async connect(timeoutMs = 10_000): Promise<void> {
    this.open();
    await this.channel.opened(timeoutMs);
  }

  /** The outcomes, in the order of the messages. Throws `BrokerUnavailable` when nothing was sent. */
  async publish(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    if (publications.length === 0) return [];
    this.refuseWhenHindered(publications.length);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.expire(call), this.confirmTimeoutMs);
      const call: Call = { publications, outcomes: [], open: publications.length, sent: 0, timer, resolve, reject };
      publications.forEach((publication, index) => this.waiting.push({ publication, index, call }));
      this.sendWaiting();
    });
  }

  /** Replaces the channel; the new one declares everything again. */
  renew(): void {
    this.channel.renew();
  }

  /** Fails the messages that are not confirmed yet and closes the connection. May be called twice. */
  async close(): Promise<void> {
    this.closed = true;
    this.failWaiting('connection_lost');
    await this.connection.close();
  }

  private refuseWhenHindered(count: number): void {
    const refuse = (obstacle: BrokerObstacle, message: string, cause?: unknown) => {
      throw new BrokerUnavailable(obstacle, message, { cause });
    };
    if (this.closed) refuse('closed', 'The publisher is closed.');
    if (this.connection.blocked) refuse('blocked', 'RabbitMQ takes no messages: it has a memory or disk alarm.');
    if (!this.channel.current) refuse('unreachable', 'RabbitMQ is not reachable.', this.trouble);
    // a publisher without waiting messages takes a batch of any size
    if (this.waiting.length > 0 && this.waiting.length + count > this.maxWaiting)
      refuse('full', 'Too many messages wait for RabbitMQ.');
  }

  /** Sends until `maxInFlight` is reached, at most `BYTES_A_TURN` in one turn: writing large messages takes time. */
  private sendWaiting(): void {
    let bytes = 0;
    while (this.inFlight < this.maxInFlight && this.waiting.length > 0) {
      const channel = this.channel.current;
      if (!channel) return;
      if (bytes > BYTES_A_TURN) return void (this.tick ??= setImmediate(() => this.sendInNextTurn()));
      bytes += this.waiting[0]!.publication.body.length;
      this.send(channel, this.waiting.shift()!);
    }
  }

  private sendInNextTurn(): void {
    this.tick = undefined;
    this.sendWaiting();
  }

  private send(channel: ConfirmChannel, waiting: Waiting): void {
    const {
      exchange,
      routingKey,
      id,
      body,
      timestamp = Math.floor(Date.now() / 1000),
      contentEncoding,
      headers,
    } = waiting.publication;
    const properties = {
      persistent: true,
      mandatory: true,
      messageId: id,
      contentType: 'application/json',
      contentEncoding,
      timestamp,
      headers,
    };
    this.inFlight += 1;
    waiting.call.sent += 1;
    try {
      channel.publish(exchange, routingKey, body, properties, (error?: Error | null) => {
        this.inFlight -= 1;
        this.settle(
          waiting,
          error
            ? error.message === 'channel closed'
              ? 'connection_lost'
              : 'nacked'
            : this.takeReturn(id)
              ? 'unroutable'
              : undefined,
        );
        this.sendWaiting();
      });
    } catch (error) {
      this.inFlight -= 1;
      this.settle(
        waiting,
        error instanceof RangeError || error instanceof TypeError ? 'not_sendable' : 'connection_lost',
      );
    }
  }

  private settle({ publication: { id }, index, call }: Waiting, failure?: PublishFailure): void {
    if (call.open === 0) return; // the call has timed out
    call.outcomes[index] = failure ? { id, outcome: 'failed', reason: failure } : { id, outcome: 'confirmed' };
    call.open -= 1;
    if (call.open === 0) this.finish(call);
  }

  /**
   * The timeout of a call. Its messages in flight keep their places until the broker confirms them or the channel ends.
   */
  private expire(call: Call): void {
    call.open = 0;
    this.take((waiting) => waiting.call === call);
    if (call.sent > 0) this.finish(call);
    else call.reject(new BrokerUnavailable('full', `No message could be sent within ${this.confirmTimeoutMs} ms.`));
  }

  private finish({ publications, outcomes, timer, resolve }: Call): void {
    clearTimeout(timer);
    resolve(publications.map(({ id }, index) => outcomes[index] ?? { id, outcome: 'failed', reason: 'timeout' }));
  }

  private failWaiting(reason: PublishFailure): void {
    for (const waiting of this.take(() => true)) this.settle(waiting, reason);
  }

  private take(wanted: (waiting: Waiting) => boolean): Waiting[] {
    const taken = this.waiting.filter(wanted);
    const kept = this.waiting.filter((waiting) => !wanted(waiting));
    this.waiting.splice(0, this.waiting.length, ...kept);
    return taken;
  }

  private noteReturn({ properties: { messageId } }: Message): void {
    this.returned.set(messageId, (this.returned.get(messageId) ?? 0) + 1);
  }

  private takeReturn(id: string): boolean {
    const count = this.returned.get(id);
    if (count === undefined) return false;
    if (count > 1) this.returned.set(id, count - 1);
    else this.returned.delete(id);
    return true;
  }
}
