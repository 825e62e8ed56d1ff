import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_MESSAGE_BYTES } from '@tocsin/messages';
import type { BatchOutcome, HandleBatch, MessageOutcome, ReceivedMessage } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { fullJitter } from '@tocsin/publisher';
import type { Outage } from './outage';

export interface QueueLaneOptions {
  queue: string;
  /** How many messages the broker hands over before the first is acknowledged. */
  prefetch: number;
  /** The most messages of one batch, and the bytes beyond which a batch takes no further message. */
  maxBatch: number;
  maxBatchBytes: number;
  /** How many batches are handed over side by side: while one is stored, the next is read, if it is worth its own. */
  maxInFlight: number;
  /** A message that came back this often, or is too large, is rejected: the broker moves it to where it is handled alone. Default: never. */
  suspectAfter?: number;
  /** What is to be said of every message of this queue. */
  mark?: Pick<ReceivedMessage, 'suspect' | 'given_up'>;
}

type DeadOutcome = Extract<MessageOutcome, { outcome: 'dead' }>;

/** A message that is to leave the queue for the dead ones. */
export interface DeadMessage {
  message: ConsumeMessage;
  outcome: DeadOutcome;
}

/** Puts messages among the dead ones, durably. Rejects when that did not succeed for all of them. */
export type Bury = (dead: readonly DeadMessage[]) => Promise<void>;

/** A batch in hand. Its messages stand in the order of the channel, as do the runs. */
interface Run {
  messages: ConsumeMessage[];
  settled: boolean;
  /** Only what takes long is left of it. */
  straggling: boolean;
}

/**
 * While a batch is under way, what arrives is kept for the next one: a batch costs as much as twenty messages, here, in the
 * log and at the broker. Not when so many wait, nor for longer than this, in milliseconds, behind one that is slow.
 */
const WORTH_A_BATCH = 64;
const JOIN_FOR_MS = 25;

const BURY_BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };

/**
 * One queue's way to the handler: deliveries in, batches of what has arrived out. A lane has a channel of its own, so that
 * its deliveries are numbered in its own order, and one acknowledgement covers every batch below the low-water mark.
 *
 * Each channel is a generation: what an old one delivered comes again on the next, so it is dropped here, and is never
 * acknowledged on a channel that does not know it, which would close that one too.
 */
export class QueueLane {
  private channel: ConfirmChannel | undefined;
  private consumerTag: string | undefined;
  private waiting: ConsumeMessage[] = [];
  private runs: Run[] = [];
  private inFlight = 0;
  private tick: NodeJS.Immediate | undefined;
  private overdue: NodeJS.Timeout | undefined;
  private readonly carrying = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  /** How many messages have arrived since the start. */
  arrivals = 0;

  constructor(
    private readonly options: QueueLaneOptions,
    private readonly handle: HandleBatch,
    private readonly bury: Bury,
    private readonly outage: Outage,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  get queue(): string {
    return this.options.queue;
  }

  get consuming(): boolean {
    return this.consumerTag !== undefined;
  }

  /** Whether it consumes and has nothing in hand: then a message in the queue arrives at once. */
  get idle(): boolean {
    return this.consuming && this.waiting.length === 0 && this.runs.length === 0;
  }

  /** Consumes on a fresh channel. `onCancelled`: the broker took the consumer away, usually because its queue is gone. */
  async attach(channel: ConfirmChannel, onCancelled: () => void): Promise<void> {
    const { queue, prefetch } = this.options;
    await this.outage.untilAnswered();
    await channel.prefetch(prefetch);
    this.detach();
    this.channel = channel;
    const { consumerTag } = await channel.consume(
      queue,
      (message) => (message ? this.take(channel, message) : onCancelled()),
      { noAck: false },
    );
    this.consumerTag = consumerTag;
    this.metrics.amqpConsumerUp.set({ queue }, 1);
  }

  /** The channel is gone, and with it all that was not acknowledged. */
  detach(): void {
    this.channel = undefined;
    this.consumerTag = undefined;
    this.waiting = [];
    this.runs = [];
    this.forgetOverdue();
    this.metrics.amqpConsumerUp.set({ queue: this.options.queue }, 0);
  }

  /** Takes nothing more from the broker and resolves once all that it handed over is settled or given up. */
  async stop(): Promise<void> {
    const { channel, consumerTag } = this;
    this.stopping.abort();
    this.consumerTag = undefined;
    if (channel && consumerTag) await channel.cancel(consumerTag).catch(() => {});
    while (this.carrying.size > 0 || (this.channel && this.waiting.length > 0)) {
      this.handOver();
      await Promise.all(this.carrying);
    }
  }

  private take(channel: ConfirmChannel, message: ConsumeMessage): void {
    if (channel !== this.channel) return;
    this.arrivals += 1;
    if (this.isSuspect(message)) return this.reject(channel, message);
    this.waiting.push(message);
    // with the rest of what came in the same chunk from the socket
    this.tick ??= setImmediate(() => this.handOver());
  }

  /** Too large is suspect as well: what is in hand is bounded by bytes because it is by number. */
  private isSuspect({ content, properties: { headers } }: ConsumeMessage): boolean {
    const { suspectAfter } = this.options;
    return (
      suspectAfter !== undefined &&
      (content.length > MAX_MESSAGE_BYTES || Number(headers?.['x-delivery-count'] ?? 0) >= suspectAfter)
    );
  }

  private reject(channel: ConfirmChannel, message: ConsumeMessage): void {
    this.metrics.amqpSuspects.inc();
    tell(() => channel.reject(message, false));
  }

  /** Hands over what waits, or leaves it for the end of the batch under way. `isOverdue`: it has been left for long enough. */
  private handOver(isOverdue = false): void {
    clearImmediate(this.tick);
    this.tick = undefined;
    while (this.channel && this.waiting.length > 0 && this.inFlight < this.options.maxInFlight) {
      if (this.inFlight > 0 && this.waiting.length < WORTH_A_BATCH && !isOverdue) break;
      const run: Run = { messages: this.nextBatch(), settled: false, straggling: false };
      this.runs.push(run);
      this.inFlight += 1;
      const carried = this.carry(this.channel, run).finally(() => this.carrying.delete(carried));
      this.carrying.add(carried);
    }
    if (this.waiting.length > 0 && this.inFlight < this.options.maxInFlight)
      this.overdue ??= setTimeout(() => this.handOverLate(), JOIN_FOR_MS);
    else this.forgetOverdue();
  }

  private handOverLate(): void {
    this.overdue = undefined;
    this.handOver(true);
  }

  private forgetOverdue(): void {
    clearTimeout(this.overdue);
    this.overdue = undefined;
  }

  private nextBatch(): ConsumeMessage[] {
    let size = 0;
    let bytes = 0;
    for (const { content } of this.waiting) {
      if (size === this.options.maxBatch || (size > 0 && bytes + content.length > this.options.maxBatchBytes)) break;
      size += 1;
      bytes += content.length;
    }
    return this.waiting.splice(0, size);
  }

  /** Hands a batch over until every message of it has its fate, and lets it go. What is given up comes again on another channel. */
  private async carry(channel: ConfirmChannel, run: Run): Promise<void> {
    const { messages } = run;
    const outcomes = await this.outcomesOf(channel, messages);
    this.inFlight -= 1;
    this.tick ??= setImmediate(() => this.handOver());
    if (!outcomes && this.stopping.signal.aborted) this.waiting = [];
    if (!outcomes) return;

    const stragglers = new Map<ConsumeMessage, Promise<boolean>>();
    const dead: DeadMessage[] = [];
    outcomes.forEach((outcome, index) => {
      const message = messages[index]!;
      if (outcome.outcome === 'dead') dead.push({ message, outcome });
      if (outcome.outcome === 'late') stragglers.set(message, this.follow(channel, message, outcome.fate));
    });
    if (dead.length > 0 && !(await this.buryOnce(dead))) {
      const buried = this.insistOnBurying(channel, dead);
      for (const { message } of dead) stragglers.set(message, buried);
    }
    if (stragglers.size === 0) run.settled = true;
    else this.straggle(channel, run, [...stragglers.keys()]);
    this.acknowledge(channel);
    for (const [message, fate] of stragglers) {
      if (await fate) this.letGo(channel, run, message);
    }
  }

  /** What became of each message; undefined when the batch was given up. */
  private async outcomesOf(channel: ConfirmChannel, messages: readonly ConsumeMessage[]) {
    const received = messages.map((message) => this.read(message));
    for (;;) {
      const outcome = await this.ask(received);
      if (outcome.kind === 'settled') {
        this.outage.end();
        return outcome.outcomes;
      }
      if (!this.outage.lasting)
        this.log.warn({ queue: this.options.queue, reason: outcome.reason }, 'what is in hand is kept and tried again');
      await this.outage.begin();
      if (this.stopping.signal.aborted || channel !== this.channel) return undefined;
    }
  }

  private async ask(received: readonly ReceivedMessage[]): Promise<BatchOutcome> {
    try {
      const outcome = await this.handle(received);
      if (outcome.kind === 'retry' || outcome.outcomes.length === received.length) return outcome;
      return {
        kind: 'retry',
        reason: `The handler settled ${outcome.outcomes.length} of ${received.length} messages.`,
      };
    } catch (error) {
      return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** A message that left its batch: true once it may leave the queue. */
  private async follow(
    channel: ConfirmChannel,
    message: ConsumeMessage,
    late: Promise<MessageOutcome>,
  ): Promise<boolean> {
    let outcome: MessageOutcome;
    try {
      outcome = await late;
    } catch {
      const again = (await this.outcomesOf(channel, [message]))?.[0];
      if (!again) return false;
      if (again.outcome === 'late') return this.follow(channel, message, again.fate);
      outcome = again;
    }
    return outcome.outcome !== 'dead' || this.insistOnBurying(channel, [{ message, outcome }]);
  }

  private async buryOnce(dead: readonly DeadMessage[]): Promise<boolean> {
    try {
      await this.bury(dead);
      return true;
    } catch (error) {
      this.log.warn({ queue: this.options.queue, err: error }, 'dead letters are kept and tried again');
      return false;
    }
  }

  /** False when the channel is gone or the lane is stopping: the messages come again. */
  private async insistOnBurying(channel: ConfirmChannel, dead: readonly DeadMessage[]): Promise<boolean> {
    for (let failures = 0; channel === this.channel; failures += 1) {
      if (
        await this.bury(dead).then(
          () => true,
          () => false,
        )
      )
        return true;
      if (this.stopping.signal.aborted) return false;
      await sleep(fullJitter(failures, BURY_BACK_OFF), undefined, { signal: this.stopping.signal }).catch(() => {});
    }
    return false;
  }

  // ---- acknowledging: nothing is acknowledged on a channel that did not deliver it ---------------------------------------

  /** Up to the low-water mark: the acknowledgement of a run covers every earlier one, so all of them must be settled. */
  private acknowledge(channel: ConfirmChannel): void {
    if (channel !== this.channel) return;
    let last: ConsumeMessage | undefined;
    while (this.runs[0]?.settled) last = this.runs.shift()!.messages.at(-1);
    if (last) tell(() => channel.ack(last, true));
    if (!this.runs[0]?.straggling) return;
    // behind one that takes long there is no mark to wait for
    for (const { messages } of this.runs.filter(({ settled }) => settled))
      for (const message of messages) tell(() => channel.ack(message));
    this.runs = this.runs.filter(({ settled }) => !settled);
  }

  /** Lets all of a run go but what takes long. */
  private straggle(channel: ConfirmChannel, run: Run, stragglers: ConsumeMessage[]): void {
    const others = run.messages.filter((message) => !stragglers.includes(message));
    run.messages = stragglers;
    run.straggling = true;
    if (channel === this.channel) for (const message of others) tell(() => channel.ack(message));
  }

  private letGo(channel: ConfirmChannel, run: Run, message: ConsumeMessage): void {
    if (channel !== this.channel) return;
    tell(() => channel.ack(message));
    run.messages = run.messages.filter((one) => one !== message);
    if (run.messages.length === 0) this.runs = this.runs.filter((one) => one !== run);
    this.acknowledge(channel);
  }

  private read({ content, fields, properties }: ConsumeMessage): ReceivedMessage {
    if (fields.redelivered) this.metrics.amqpRedeliveries.inc();
    return {
      body: content,
      routing_key: fields.routingKey,
      message_id: properties.messageId,
      timestamp: properties.timestamp,
      content_type: properties.contentType,
      content_encoding: properties.contentEncoding,
      headers: properties.headers,
      redelivered: fields.redelivered,
      ...this.options.mark,
    };
  }
}

/** Tells the broker, unless the channel closed in this very moment: then it knows already. */
function tell(what: () => void): void {
  try {
    what();
  } catch {
    // what was delivered on it comes again
  }
}
