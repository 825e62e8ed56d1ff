import { setTimeout as sleep } from 'node:timers/promises';
import { publishedForm, readRoutingKey, routingKeyOf, Turns } from '@tocsin/messages';
import type { ValidMessage } from '@tocsin/contracts';
import type { AlertIntake, PublishContext, PublishOutcome, RawIntake, RawMessage } from '@tocsin/contracts/ports';
import type { CallOptions, Database } from './database';
import type { ListeningSession } from './listening-session';
import { asQueueError } from './postgres-errors';

/**
 * The most messages that may wait, about 100 MB of common alerts. Further ones are refused as `QueueFull`. Each process
 * counts once a second, and in between only what it puts itself: so a few more may wait when several processes publish.
 */
export const MAX_WAITING = 100_000;
const COUNT_EVERY_MS = 1_000;
const PUBLISH_WITHIN_MS = 5_000;
/**
 * How often an idle source checks the table without being woken, in milliseconds: another process may have published.
 */
const POLL_MS = 1_000;
/**
 * Ids are drawn before they are committed, so a message may appear below others that were taken already. Each `take`
 * looks so many ids back for it.
 */
const LOOK_BACK = 1_000;
/** How often `take` looks at all ids, in milliseconds, for a message that appears further back. */
const LOOK_AT_ALL_MS = 1_000;

/** A message of the inbox. */
export interface Waiting {
  inbox_id: number;
  urgent: boolean;
  routing_key: string;
  traceparent: string | null;
  body: Buffer;
}

interface Put {
  urgent: boolean;
  routing_key: string;
  body: Buffer;
}

/** Tells the process that consumes that a message was put. */
const CHANNEL = 'tocsin_inbox';
const RING_WITHIN_MS = 1_000;

/**
 * The queue in the database: the table `inbox`, and what this process knows of it. Intake and source share one `Inbox`.
 * The table does not store which messages are in hand: after a crash all are waiting again at once, and the event log
 * drops those that it has already. With a session, publishers of other processes wake the one that consumes; without
 * one, all are in this process.
 */
export class Inbox {
  readonly #inHand = new Set<number>();
  readonly #idle = new Set<() => void>();
  /**
   * Calls to take and to settle run one after another, so that `take` never returns a message that is settled
   * meanwhile.
   */
  #turn: Promise<unknown> = Promise.resolve();
  #puts = 0;
  #putsAtLastTake = 0;
  /** The highest ids that were taken. */
  #taken = { urgent: 0, common: 0 };
  #lookAtAllAt = -Infinity;
  /** How many more may wait, as far as this process knows, and until when it need not count. */
  #room = 0;
  #countAt = -Infinity;

  #ringing: Promise<unknown> | undefined;
  #ringAgain = false;

  constructor(
    private readonly database: Database,
    private readonly session?: ListeningSession,
    /** For tests. */
    private readonly maxWaiting = MAX_WAITING,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Lets other processes wake an idle source here. Resolves as soon as it is known whether they can. */
  async listen(): Promise<void> {
    await this.session?.listen(CHANNEL, { onNotification: () => this.#wake(), onResumed: () => this.#wake() });
  }

  async put(messages: readonly Put[], { traceparent }: PublishContext = {}): Promise<void> {
    const counts = this.#room <= 0 || this.now() >= this.#countAt;
    if (!counts) this.#room -= messages.length;
    const [put] = await this.#call<{ room: number }>(
      'select tocsin.inbox_put($1, $2, $3, $4, $5) as room',
      [
        messages.map(({ urgent }) => urgent),
        messages.map(({ routing_key }) => routing_key),
        messages.map(({ body }) => body),
        traceparent ?? null,
        counts ? this.maxWaiting : null,
      ],
      { withinMs: PUBLISH_WITHIN_MS },
    );
    if (counts) {
      this.#room = put!.room;
      this.#countAt = this.now() + COUNT_EVERY_MS;
    }
    this.#wake();
    this.#ring();
  }

  /** Takes the next messages that are not in hand, urgent ones first. They are in hand until `settle` or `putBack`. */
  take(atMost: number): Promise<Waiting[]> {
    return this.#inTurn(async () => {
      this.#putsAtLastTake = this.#puts;
      const looksAtAll = this.now() >= this.#lookAtAllAt;
      if (looksAtAll) this.#lookAtAllAt = this.now() + LOOK_AT_ALL_MS;
      const behind = (id: number) => (looksAtAll ? 0 : Math.max(0, id - LOOK_BACK));
      const taken = await this.#call<Waiting>('select * from tocsin.inbox_take($1, $2, $3, $4)', [
        [...this.#inHand],
        atMost,
        behind(this.#taken.urgent),
        behind(this.#taken.common),
      ]);
      for (const { inbox_id, urgent } of taken) {
        this.#inHand.add(inbox_id);
        const kind = urgent ? 'urgent' : 'common';
        this.#taken[kind] = Math.max(this.#taken[kind], inbox_id);
      }
      return taken;
    });
  }

  settle(ids: readonly number[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#call('select tocsin.inbox_settle($1)', [ids]);
      for (const id of ids) this.#inHand.delete(id);
    });
  }

  /** Gives messages back; an idle source may take them again. */
  putBack(ids: readonly number[]): void {
    for (const id of ids) this.#inHand.delete(id);
    this.#lookAtAllAt = -Infinity;
    if (ids.length > 0) this.#wake();
  }

  /** Resolves when a message was put since the last check, or when it is time to check anyway. */
  async untilPut(signal: AbortSignal): Promise<void> {
    if (this.#puts !== this.#putsAtLastTake) return;
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#idle.add(wake);
    await pause(POLL_MS, AbortSignal.any([signal, woken.signal]));
    this.#idle.delete(wake);
  }

  async #call<Row>(sql: string, parameters: readonly unknown[], options?: CallOptions): Promise<Row[]> {
    try {
      return await this.database.call<Row>(sql, parameters, options);
    } catch (error) {
      throw asQueueError(error);
    }
  }

  #wake(): void {
    this.#puts += 1;
    for (const wake of this.#idle) wake();
  }

  /**
   * One ring for all that was put while another was under way. A lost ring costs a second: the source looks by itself.
   */
  #ring(): void {
    if (!this.session) return;
    if (this.#ringing) {
      this.#ringAgain = true;
      return;
    }
    this.#ringAgain = false;
    this.#ringing = this.database
      .call('select tocsin.notify_channels($1, $2)', [[CHANNEL], ['']], { withinMs: RING_WITHIN_MS })
      .catch(() => undefined)
      .finally(() => {
        this.#ringing = undefined;
        if (this.#ringAgain) this.#ring();
      });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/** Publishes into the inbox. A message is confirmed when its row is committed. */
export class InboxIntake implements AlertIntake {
  constructor(private readonly inbox: Inbox) {}

  async publish(messages: readonly ValidMessage[], context?: PublishContext): Promise<PublishOutcome[]> {
    const turns = new Turns();
    const put: Put[] = [];
    for (const message of messages) {
      if (turns.over) await turns.next();
      put.push(toBePut(message));
    }
    if (put.length > 0) await this.inbox.put(put, context);
    return messages.map(({ id }) => ({ id, outcome: 'confirmed' }));
  }
}

const toBePut = (message: ValidMessage): Put => ({
  urgent: message.severity === 'urgent',
  routing_key: routingKeyOf(message),
  body: publishedForm(message),
});

/**
 * Puts messages back into the inbox unchanged. Properties of the transport are not kept: messages reach the inbox over
 * HTTP only, where each has an id in its body.
 */
export class InboxRawIntake implements RawIntake {
  constructor(private readonly inbox: Inbox) {}

  async republish(messages: readonly RawMessage[]): Promise<PublishOutcome[]> {
    const put = messages.map(({ routing_key, body }) => ({
      urgent: readRoutingKey(routing_key)?.severity === 'urgent',
      routing_key,
      body,
    }));
    if (put.length > 0) await this.inbox.put(put);
    return messages.map(({ message_id }) => ({ id: message_id, outcome: 'confirmed' }));
  }
}

/** A pause that ends early, without an error, when the signal is aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
