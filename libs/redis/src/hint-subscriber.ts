import { within } from '@tocsin/timing';
import type { Redis } from 'ioredis';
import type { HintListener, Subscription } from '@tocsin/contracts/ports';
import { newClient } from './connection';

interface HintSubscriberOptions {
  url: string;
  /** Bytes of a topic to what listeners hear. */
  decode(topic: string, bytes: Buffer): Parameters<HintListener['onHint']>[0];
  /** Called when hints can arrive (again), and when they cannot. */
  onState(listening: boolean): void;
}

/** How long `subscribe` waits for Redis before it goes on without it. */
const SUBSCRIBE_TIMEOUT_MS = 500;
/** A subscriber never writes, so nothing else would notice a connection that died in silence. */
const PING_EVERY_MS = 5_000;
const PING_TIMEOUT_MS = 3_000;
/** One command names so many topics at most: thousands come back after an outage. */
const TOPICS_A_COMMAND = 1_000;

interface Listener {
  listener: HintListener;
  /** Set while its `subscribe` still waits: it is told by that, and not as a resumption. */
  arrive: (() => void) | undefined;
}

interface Topic {
  listeners: Set<Listener>;
  live: boolean;
}

/**
 * The subscribing connection: each topic is subscribed once, however many listen. After an interruption everything is
 * subscribed again and awaited before anybody is told: what was published meanwhile is lost, and only who reads the log
 * after that misses nothing.
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

  /** Whether it was asked for: without a subscription there is no connection. */
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

  /** Subscribes, then tells whoever waited or missed something. False when the connection did not bear it: it starts anew. */
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
      // it may have ended meanwhile, and begun again with a subscription of its own
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
    const hint = this.options.decode(name, message);
    for (const { listener } of [...topic.listeners]) listener.onHint(hint);
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

  /** Unless the connection ended by itself already. */
  private startAnew(): void {
    if (this.listening) this.client.disconnect(true);
  }
}
