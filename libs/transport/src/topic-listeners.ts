import { within } from '@tocsin/timing';
import type { Subscription } from '@tocsin/contracts/ports';

/** How long a listener waits for the service before it goes on without it. */
const ARRIVE_WITHIN_MS = 500;

interface Entry<Listener> {
  listener: Listener;
  /** Set while the listener still waits. It ends the wait, and the listener gets no `onResumed`. */
  arrive: (() => void) | undefined;
}

/** A topic with its listeners. A topic that is left and listened to again is another one. */
export interface ListenedTopic<Listener> {
  readonly name: string;
  readonly entries: Set<Entry<Listener>>;
  /** Whether its messages arrive at present. */
  live: boolean;
}

/** How an adapter begins and ends to hear a topic. */
interface Hearing<Listener> {
  /** The topic has its first listener. */
  begin: (topic: ListenedTopic<Listener>) => void;
  /** The topic has lost its last listener. Without it a topic is heard until the connection ends. */
  end?: (name: string) => void;
}

/**
 * Who listens to which topic of a bus, whatever carries its messages. A topic is heard once, however many listeners it
 * has.
 */
export class TopicListeners<Listener extends { onResumed(): void }> {
  readonly #topics = new Map<string, ListenedTopic<Listener>>();

  constructor(private readonly hearing: Hearing<Listener>) {}

  get all(): ListenedTopic<Listener>[] {
    return [...this.#topics.values()];
  }

  of(name: string): Listener[] {
    return [...(this.#topics.get(name)?.entries ?? [])].map(({ listener }) => listener);
  }

  /**
   * Adds a listener. Resolves once messages arrive, or after 500 ms without the service; `onResumed` follows then.
   * Never rejects.
   */
  async add(name: string, listener: Listener): Promise<Subscription> {
    const known = this.#topics.get(name);
    const topic = known ?? { name, entries: new Set(), live: false };
    this.#topics.set(name, topic);
    const entry: Entry<Listener> = { listener, arrive: undefined };
    topic.entries.add(entry);
    if (!topic.live) {
      const arrived = new Promise<void>((resolve) => (entry.arrive = resolve));
      if (!known) this.hearing.begin(topic);
      await within(ARRIVE_WITHIN_MS, arrived, () => (entry.arrive = undefined));
    }
    return { close: () => this.#leave(topic, entry) };
  }

  /** Messages of these topics arrive: tells the listeners that wait, or that may have missed some. */
  arrive(topics: readonly ListenedTopic<Listener>[]): void {
    for (const topic of topics) {
      if (this.#topics.get(topic.name) !== topic) continue;
      topic.live = true;
      for (const entry of [...topic.entries]) {
        const { arrive } = entry;
        entry.arrive = undefined;
        if (arrive) arrive();
        else entry.listener.onResumed();
      }
    }
  }

  /** No messages arrive any more. */
  interrupt(): void {
    for (const topic of this.#topics.values()) topic.live = false;
  }

  /** Forgets every listener, and lets none wait. */
  clear(): void {
    for (const { entries } of this.#topics.values()) for (const entry of entries) entry.arrive?.();
    this.#topics.clear();
  }

  #leave(topic: ListenedTopic<Listener>, entry: Entry<Listener>): void {
    topic.entries.delete(entry);
    const { end } = this.hearing;
    if (!end || topic.entries.size > 0 || this.#topics.get(topic.name) !== topic) return;
    this.#topics.delete(topic.name);
    end(topic.name);
  }
}
