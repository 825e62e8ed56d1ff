import { randomUUID } from 'node:crypto';
import type { BrokerEvent } from './event';
import { PatternTrie } from './pattern-trie';

export interface HandlerContext {
  /** Aborts when the call took too long, or when the broker stops and cannot wait any longer. */
  signal: AbortSignal;
  /** The number of this attempt, from 1. */
  attempt: number;
}

type HandleEvent<Payload> = (event: BrokerEvent<Payload>, context: HandlerContext) => unknown;

/** A function, or an object with `handle`. It has failed when it throws or rejects. */
export type EventHandler<Payload = unknown> = HandleEvent<Payload> | { handle: HandleEvent<Payload> };

export interface Subscription {
  id: string;
  pattern: string;
  handler: EventHandler;
  group: string | undefined;
  name: string;
}

export interface SubscribeOptions {
  /**
   * Without a group every instance hears every event. Of the instances that subscribe with the same group, one handles
   * each event.
   */
  group?: string;
  /** The name of the handler in errors. Default: its pattern. */
  name?: string;
}

/** Each group of the subscriptions once. */
export const groupsOf = (subscriptions: Iterable<Subscription>): ReadonlySet<string> =>
  new Set([...subscriptions].flatMap(({ group }) => group ?? []));

/** The subscriptions of this instance. */
export class Subscriptions {
  private readonly byId = new Map<string, Subscription>();
  private readonly trie = new PatternTrie<Subscription>();

  get size(): number {
    return this.byId.size;
  }

  /** Returns the id of the subscription. */
  add(pattern: string, handler: EventHandler, { group, name }: SubscribeOptions): string {
    const subscription: Subscription = { id: randomUUID(), pattern, handler, group, name: name ?? pattern };
    this.trie.add(pattern, subscription);
    this.byId.set(subscription.id, subscription);
    return subscription.id;
  }

  /** Returns false when there is no subscription of this id. */
  remove(id: string): boolean {
    const subscription = this.byId.get(id);
    if (!subscription) return false;
    this.byId.delete(id);
    return this.trie.remove(subscription.pattern, subscription);
  }

  has({ id }: Subscription): boolean {
    return this.byId.has(id);
  }

  /** Returns the subscriptions that hear events of the type. The result must not be changed. */
  match(type: string): readonly Subscription[] {
    return this.trie.match(type);
  }

  hears(type: string): boolean {
    return this.match(type).length > 0;
  }

  /** Returns each pattern once. */
  patterns(): string[] {
    return [...new Set([...this.byId.values()].map(({ pattern }) => pattern))];
  }

  /** Returns each group once. */
  groups(): string[] {
    return [...groupsOf(this.byId.values())];
  }
}
