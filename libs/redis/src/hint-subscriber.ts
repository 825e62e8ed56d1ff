import { within } from '@tocsin/timing';
import type { Redis } from 'ioredis';
import type { Hint } from '@tocsin/contracts';
import type { HintListener, Subscription } from '@tocsin/contracts/ports';
import { newClient } from './connection';

interface HintSubscriberOptions {
  url: string;
  /** Reads the hints of a message; undefined when it holds none, which the listeners are told. */
  decode(topic: string, bytes: Buffer): readonly Hint[] | undefined;
  /** Called when hints can arrive (again), and when they cannot. */
  onState(listening: boolean): void;
}

/** How long `subscribe` waits for Redis before it goes on without it. */
const SUBSCRIBE_TIMEOUT_MS = 500;
/**
 * The interval of pings. A subscriber never writes, so without them a connection that died silently would not be
 * noticed.
 */
const PING_EVERY_MS = 5_000;
const PING_TIMEOUT_MS = 3_000;
/** How many topics one command names at most: after an outage thousands are subscribed again. */
const TOPICS_A_COMMAND = 1_000;

interface Listener {
  listener: HintListener;
  /** Set while its `subscribe` still waits. It resolves that call, and the listener gets no `onResumed`. */
  arrive: (() => void) | undefined;
}

interface Topic {
  listeners: Set<Listener>;
  live: boolean;
}

/**
 * The subscribing connection. Each topic is subscribed once, however many listeners it has. After an interruption all
 * topics are subscribed again before any listener is told. Hints that were published meanwhile are lost: a listener
 * that reads the event log after `onResumed` misses nothing.
 */
export class HintSubscriber {
  private readonly client: Redis;
  private readonly topics = new Map<string, Topic>();
  private opened = false;
  private closed = false;
  private listening = false;
  private pinging: NodeJS.Timeout | undefined;

  constructor(private readonly options: HintSubscriberOptions) {
    this.client = newClient(options.url, 'tocsin-hints');
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
  async subscribe(name: string, listener: HintListener): Promise<Subscription> {
    this.open();
    const topic = this.topics.get(name) ?? { listeners: new Set(), live: false };
    const isNew = !this.topics.has(name);
    this.topics.set(name, topic);
    const entry: Listener = { listener, arrive: undefined };
    topic.listeners.add(entry);
    if (!topic.live) {
      const arrived = new Promise<void>((resolve) => (entry.arrive = resolve));
      if (isNew && this.listening) void this.listenTo([[name, topic]]);
      await within(SUBSCRIBE_TIMEOUT_MS, arrived, () => (entry.arrive = undefined));
    }
    return { close: () => this.leave(name, topic, entry) };
  }

  /** Ends every subscription and the connection. May be called twice. */
  close(): void {
    this.closed = true;
    this.listening = false;
    for (const { listeners } of this.topics.values()) for (const entry of listeners) entry.arrive?.();
    this.topics.clear();
    clearInterval(this.pinging);
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
    this.listening = true;
    if (await this.listenTo([...this.topics])) this.options.onState(true);
  }

  private interrupted(): void {
    this.listening = false;
    for (const topic of this.topics.values()) topic.live = false;
    if (!this.closed) this.options.onState(false);
  }

  /**
   * Subscribes the topics, then tells the listeners that waited or may have missed hints. False when that failed and a
   * new connection is made.
   */
  private async listenTo(topics: readonly [string, Topic][]): Promise<boolean> {
    try {
      for (let from = 0; from < topics.length; from += TOPICS_A_COMMAND) {
        await this.client.subscribe(...topics.slice(from, from + TOPICS_A_COMMAND).map(([name]) => name));
      }
    } catch {
      this.startAnew();
      return false;
    }
    if (!this.listening) return false;
    for (const [name, topic] of topics) {
      // the topic may have been unsubscribed meanwhile, and subscribed again by another subscription
      if (this.topics.get(name) === topic) this.announce(topic);
    }
    return true;
  }

  private announce(topic: Topic): void {
    topic.live = true;
    for (const entry of [...topic.listeners]) {
      const { arrive } = entry;
      entry.arrive = undefined;
      if (arrive) arrive();
      else entry.listener.onResumed();
    }
  }

  private deliver(name: string, message: Buffer): void {
    const topic = this.topics.get(name);
    if (!topic) return;
    const hints = this.options.decode(name, message) ?? [undefined];
    for (const { listener } of [...topic.listeners]) for (const hint of hints) listener.onHint(hint);
  }

  private leave(name: string, topic: Topic, entry: Listener): void {
    topic.listeners.delete(entry);
    if (topic.listeners.size > 0 || this.topics.get(name) !== topic) return;
    this.topics.delete(name);
    if (this.listening) this.client.unsubscribe(name).catch(() => {});
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
