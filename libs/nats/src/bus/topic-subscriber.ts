import type { Msg, Subscription as Heard } from '@nats-io/transport-node';
import type { Subscription } from '@tocsin/contracts/ports';
import { TopicListeners, type ListenedTopic } from '@tocsin/transport';
import type { NatsConnection } from '../connection';

/** What a listener of a subject is told. */
export interface SubjectListener {
  onMessage(data: Uint8Array): void;
  /** The connection was interrupted and is back. Messages may have been missed. */
  onResumed(): void;
}

/** Longer than a silent connection lives: it is found out and replaced before. */
const CONFIRMED_WITHIN_MS = 10_000;

/**
 * Hears subjects over the shared connection. Messages that are published while it is away are lost. After that the
 * client subscribes again by itself, and the listeners are told once the server has confirmed it.
 */
export class TopicSubscriber {
  readonly #subjects = new TopicListeners<SubjectListener>({
    begin: (subject) => {
      if (this.connection.connected) void this.#hear([subject]);
    },
    end: (name) => {
      this.#heard.get(name)?.unsubscribe();
      this.#heard.delete(name);
      // with no other subject left, nothing shows that the server refuses no more
      if (this.#refused.delete(name) && this.#refused.size === 0 && this.#heard.size > 0) this.#grant();
    },
  });
  readonly #heard = new Map<string, Heard>();
  /** The subjects that the server refuses. Each new connection asks for them again. */
  readonly #refused = new Set<string>();
  #refuses = false;
  readonly #unwatch: () => void;

  constructor(
    private readonly connection: NatsConnection,
    /** Called when messages can arrive (again), and when they cannot. `refusal`: the server does not allow it. */
    private readonly onState: (arriving: boolean, refusal?: Error) => void,
  ) {
    this.#unwatch = connection.watch(() => this.#connectionChanged());
  }

  /** Whether the server refuses a subscription, as far as is known, so that not all messages arrive. */
  get refused(): boolean {
    return this.#refuses;
  }

  /** Resolves once messages arrive, or after 500 ms without NATS; `onResumed` follows then. Never rejects. */
  listen(subject: string, listener: SubjectListener): Promise<Subscription> {
    this.connection.open();
    return this.#subjects.add(subject, listener);
  }

  /** Ends every subscription. May be called twice. */
  close(): void {
    this.#unwatch();
    for (const heard of this.#heard.values()) heard.unsubscribe();
    this.#heard.clear();
    this.#subjects.clear();
  }

  #connectionChanged(): void {
    const { all } = this.#subjects;
    if (this.connection.connected) return void (all.length > 0 && this.#hear(all));
    this.#subjects.interrupt();
    this.#refused.clear();
    this.#refuses = false;
    if (all.length > 0) this.onState(false);
  }

  async #hear(subjects: readonly ListenedTopic<SubjectListener>[]): Promise<void> {
    try {
      for (const { name } of subjects) this.#subscribe(name);
      // the server answers in order: what it confirms now, it has subscribed or refused
      await this.connection.run('bus', CONFIRMED_WITHIN_MS, (client) => client.flush());
    } catch {
      return; // the connection is lost, and when it is back all are heard again
    }
    this.#subjects.arrive(subjects.filter(({ name }) => !this.#refused.has(name)));
    if (this.#refused.size === 0) this.#grant();
  }

  #subscribe(name: string): void {
    const known = this.#heard.get(name);
    // the client keeps its subscriptions over an interruption; a client that has given up is replaced
    if (known && !known.isClosed()) return;
    const callback = (error: Error | null, message: Msg) => {
      if (error) this.#refuse(name, error);
      else for (const listener of this.#subjects.of(name)) listener.onMessage(message.data);
    };
    this.#heard.set(name, this.connection.client.subscribe(name, { callback }));
  }

  #refuse(name: string, refusal: Error): void {
    this.#refused.add(name);
    this.#refuses = true;
    this.onState(false, refusal);
  }

  #grant(): void {
    this.#refuses = false;
    this.onState(true);
  }
}
