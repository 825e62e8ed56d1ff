import { fullJitter, within } from '@tocsin/timing';
import type { Redis } from 'ioredis';
import type { Hint } from '@tocsin/contracts';
import type { HintListener, Subscription } from '@tocsin/contracts/ports';
import { TopicListeners, type ListenedTopic } from '@tocsin/transport';
import { isReply, newClient } from './connection';

interface HintSubscriberOptions {
  url: string;
  /** Stands before every topic. */
  prefix: string;
  /** Reads the hints of a message; undefined when it holds none, which the listeners are told. */
  decode(topic: string, bytes: Buffer): readonly Hint[] | undefined;
  /** Called when hints can arrive (again), and when they cannot. `refusal`: Redis is there and does not allow it. */
  onState(listening: boolean, refusal?: Error): void;
}

/**
 * The interval of pings. A subscriber never writes, so without them a connection that died silently would not be
 * noticed.
 */
const PING_EVERY_MS = 5_000;
const PING_TIMEOUT_MS = 3_000;
/** When a subscription that Redis refused is asked for again: a right may be given meanwhile. */
const ASK_AGAIN = { firstMs: 500, capMs: 5_000, floorMs: 200 };
/** How many topics one command names at most: after an outage thousands are subscribed again. */
const TOPICS_A_COMMAND = 1_000;

/**
 * The subscribing connection. Each topic is subscribed once, however many listeners it has. After an interruption all
 * topics are subscribed again before any listener is told. Hints that were published meanwhile are lost: a listener
 * that reads the event log after `onResumed` misses nothing.
 */
export class HintSubscriber {
  private readonly client: Redis;
  private readonly topics = new TopicListeners<HintListener>({
    begin: (topic) => {
      if (this.listening) void this.listenTo([topic]);
    },
    end: (name) => {
      if (this.listening) this.client.unsubscribe(name).catch(() => {});
    },
  });
  private opened = false;
  private closed = false;
  private listening = false;
  private pinging: NodeJS.Timeout | undefined;
  private asking: NodeJS.Timeout | undefined;
  private refusals = 0;

  constructor(private readonly options: HintSubscriberOptions) {
    this.client = newClient(options.url, 'tocsin-hints', options.prefix);
    this.client.on('messageBuffer', (topic: Buffer, message: Buffer) => this.deliver(topic.toString(), message));
    this.client.on('ready', () => void this.resume());
    this.client.on('close', () => this.interrupted());
  }

  /** Whether a connection is wanted: it is opened by the first subscription. */
  get wanted(): boolean {
    return this.opened;
  }

  get connected(): boolean {
    return this.listening;
  }

  /** Resolves once hints arrive, or after 500 ms without Redis; `onResumed` follows then. Never rejects. */
  subscribe(name: string, listener: HintListener): Promise<Subscription> {
    this.open();
    return this.topics.add(name, listener);
  }

  /** Ends every subscription and the connection. May be called twice. */
  close(): void {
    this.closed = true;
    this.listening = false;
    this.topics.clear();
    clearInterval(this.pinging);
    clearTimeout(this.asking);
    this.client.disconnect();
  }

  private open(): void {
    if (this.opened || this.closed) return;
    this.opened = true;
    this.client.connect().catch(() => {});
    this.pinging = setInterval(() => void this.ping(), PING_EVERY_MS);
    this.pinging.unref();
  }

  private async resume(): Promise<void> {
    clearTimeout(this.asking);
    this.listening = true;
    if (!(await this.listenTo(this.topics.all))) return;
    this.refusals = 0;
    this.options.onState(true);
  }

  private interrupted(refusal?: Error): void {
    clearTimeout(this.asking);
    this.listening = false;
    this.topics.interrupt();
    if (!this.closed) this.options.onState(false, refusal);
  }

  /** Redis would refuse a new connection's subscription too, so this one asks again later. */
  private refused(refusal: Error): void {
    if (!this.listening) return;
    this.interrupted(refusal);
    this.asking = setTimeout(
      () => {
        if (this.client.status === 'ready') void this.resume();
      },
      fullJitter(this.refusals++, ASK_AGAIN),
    );
    this.asking.unref();
  }

  /**
   * Subscribes the topics, then tells the listeners that waited or may have missed hints. False when that failed: then
   * a new connection is made, or it is asked for again where Redis refused it.
   */
  private async listenTo(topics: readonly ListenedTopic<HintListener>[]): Promise<boolean> {
    try {
      for (let from = 0; from < topics.length; from += TOPICS_A_COMMAND) {
        await this.client.subscribe(...topics.slice(from, from + TOPICS_A_COMMAND).map(({ name }) => name));
      }
    } catch (error) {
      if (isReply(error)) this.refused(error);
      else this.startAnew();
      return false;
    }
    if (!this.listening) return false;
    this.topics.arrive(topics);
    return true;
  }

  private deliver(name: string, message: Buffer): void {
    const listeners = this.topics.of(name);
    if (listeners.length === 0) return;
    const hints = this.options.decode(name, message) ?? [undefined];
    for (const listener of listeners) for (const hint of hints) listener.onHint(hint);
  }

  private async ping(): Promise<void> {
    if (!this.listening) return;
    const answered = this.client.ping().then(
      () => true,
      () => false,
    );
    if (!(await within(PING_TIMEOUT_MS, answered, () => false))) this.startAnew();
  }

  /** Drops the connection for a new one, unless it ended by itself already. */
  private startAnew(): void {
    if (this.listening) this.client.disconnect(true);
  }
}
