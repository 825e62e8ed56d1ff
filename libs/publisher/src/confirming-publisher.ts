import type { ConfirmChannel, Message } from 'amqplib';
import { BrokerConnection, type BrokerConnectionOptions } from './broker-connection';
import { BrokerUnavailable, type BrokerObstacle } from './broker-unavailable';
import type { ChannelSetup, KeptChannel } from './kept-channel';

/** One message on its way to an exchange (the default one: `''`, with a queue's name as the key). */
export interface Publication {
  exchange: string;
  routingKey: string;
  /** Becomes the AMQP `message_id`. */
  id: string;
  body: Buffer;
  /** Becomes the AMQP timestamp: epoch seconds. Default now. */
  timestamp?: number;
  /** How the body is compressed, if it is. */
  contentEncoding?: string;
  headers?: Readonly<Record<string, unknown>>;
}

/** What became of one published message. `failed` says nothing about its fate: it may still arrive. */
export type PublishOutcome =
  { id: string; outcome: 'confirmed' } | { id: string; outcome: 'failed'; reason: PublishFailure };

/**
 * - `unroutable`: no queue wants it. Nobody has it.
 * - `nacked`: the broker refused it, usually because a queue is full.
 * - `connection_lost`: the channel or the connection ended before the confirmation came.
 * - `blocked`: the broker raised an alarm before it was sent.
 * - `timeout`: no confirmation in time.
 * - `not_sendable`: it cannot be written as an AMQP message (headers beyond 64 KiB, a key beyond 255 bytes).
 */
export type PublishFailure = 'unroutable' | 'nacked' | 'connection_lost' | 'blocked' | 'timeout' | 'not_sendable';

interface ConfirmingPublisherOptions extends BrokerConnectionOptions {
  /** Declares what the publisher needs, on every channel that is made. */
  declare: ChannelSetup;
  /** How many messages may wait for the broker's confirmation at once. Default 256: a window that keeps a broker busy and bounds what a cut leaves unknown. */
  maxInFlight?: number;
  /** How many more may wait for a place among them. Default 4,096, eight batches of the HTTP door. */
  maxWaiting?: number;
  /** How long one `publish` may take, in milliseconds. Default 4,500: whoever waits for an answer has it within 5 s. */
  confirmTimeoutMs?: number;
}

interface Call {
  publications: readonly Publication[];
  /** Filled in as they come; what is missing in the end had no time. */
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

/** The most that is handed to the socket before all else has its turn. */
const BYTES_A_TURN = 512 * 1024;

/**
 * Publishes with confirms: a message counts as published once the broker says that it has it durably, and only if a queue
 * took it. Bounded in time and in flight. A lost channel fails what was on its way and is made again.
 */
export class ConfirmingPublisher {
  private readonly connection: BrokerConnection;
  private readonly channel: KeptChannel;
  private readonly maxInFlight: number;
  private readonly maxWaiting: number;
  private readonly confirmTimeoutMs: number;
  private readonly waiting: Waiting[] = [];
  /** Messages that no queue wanted, by id: their return arrives before their confirmation. */
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

  /** Starts to connect and returns at once. May be called twice. */
  open(): void {
    if (!this.closed) this.connection.open();
  }

  /** Resolves once messages can be published. Rejects with `BrokerUnavailable` after `timeoutMs`; it goes on trying. */
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

  /** Makes the channel again, and with it what it declares. */
  renew(): void {
    this.channel.renew();
  }

  /** Fails what has not been confirmed and closes the connection. May be called twice. */
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
    if (!this.channel.current) refuse('unreachable', 'RabbitMQ is not reachable.', this.connection.lastError);
    // an idle publisher takes a batch of any size
    if (this.waiting.length > 0 && this.waiting.length + count > this.maxWaiting)
      refuse('full', 'Too many messages wait for RabbitMQ.');
  }

  /** As many as may be in flight, and a turn's worth at a time: large messages take their time to be written. */
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
    if (call.open === 0) return; // the call gave up on it
    call.outcomes[index] = failure ? { id, outcome: 'failed', reason: failure } : { id, outcome: 'confirmed' };
    call.open -= 1;
    if (call.open === 0) this.finish(call);
  }

  /** Time is up for a call. What it has in flight keeps its place there until the broker answers or the channel ends. */
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
