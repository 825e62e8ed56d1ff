import { setTimeout as sleep } from 'node:timers/promises';
import { publishedForm, readRoutingKey, routingKeyOf, Turns } from '@tocsin/messages';
import type { ValidMessage } from '@tocsin/contracts';
import type {
  AlertIntake,
  AlertSource,
  HandleBatch,
  PublishContext,
  PublishOutcome,
  RawIntake,
  RawMessage,
  ReceivedMessage,
} from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The most messages that a batch hands over. */
const BATCH_SIZE = 500;
/** The most messages that wait; further ones are refused as `Unavailable`. About 100 MB of common alerts. */
const MAX_WAITING = 100_000;
const PUBLISH_WITHIN_MS = 5_000;
const STOP_WITHIN_MS = 10_000;
/** How often an idle source looks although nobody woke it: another process may have published. */
const POLL_MS = 1_000;
const MAX_BACK_OFF_MS = 5_000;

interface Waiting {
  inbox_id: number;
  routing_key: string;
  traceparent: string | null;
  body: Buffer;
}

interface Put {
  urgent: boolean;
  routing_key: string;
  body: Buffer;
}

/**
 * The embedded queue: the table `inbox`, and what this process knows of it. Intake and source share one. Who has which
 * message in hand is not stored: after a crash all are waiting again, at once, and the log drops what it has already.
 */
export class Inbox {
  readonly #inHand = new Set<number>();
  readonly #idle = new Set<() => void>();
  /** Taking and settling take turns: a look at the table must not come back with what was settled meanwhile. */
  #turn: Promise<unknown> = Promise.resolve();
  #puts = 0;
  #putsAtLastTake = 0;

  constructor(private readonly database: Database) {}

  async put(messages: readonly Put[], { traceparent }: PublishContext = {}): Promise<void> {
    await this.database.call(
      'select tocsin.inbox_put($1, $2, $3, $4, $5)',
      [
        messages.map(({ urgent }) => urgent),
        messages.map(({ routing_key }) => routing_key),
        messages.map(({ body }) => body),
        traceparent ?? null,
        MAX_WAITING,
      ],
      { withinMs: PUBLISH_WITHIN_MS },
    );
    this.#puts += 1;
    for (const wake of this.#idle) wake();
  }

  /** The next messages, urgent ones first, that nobody here has in hand; from now on the caller has them. */
  take(): Promise<Waiting[]> {
    return this.#inTurn(async () => {
      this.#putsAtLastTake = this.#puts;
      const taken = await this.database.call<Waiting>('select * from tocsin.inbox_take($1, $2)', [
        [...this.#inHand],
        BATCH_SIZE,
      ]);
      for (const { inbox_id } of taken) this.#inHand.add(inbox_id);
      return taken;
    });
  }

  settle(batch: readonly Waiting[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.database.call('select tocsin.inbox_settle($1)', [batch.map(({ inbox_id }) => inbox_id)]);
      this.putBack(batch);
    });
  }

  putBack(batch: readonly Waiting[]): void {
    for (const { inbox_id } of batch) this.#inHand.delete(inbox_id);
  }

  /** Resolves when something was put since the last look, or when it is time to look anyway. */
  async untilPut(signal: AbortSignal): Promise<void> {
    if (this.#puts !== this.#putsAtLastTake) return;
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#idle.add(wake);
    await pause(POLL_MS, AbortSignal.any([signal, woken.signal]));
    this.#idle.delete(wake);
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
 * Puts messages back into the inbox as they are. What the transport said beside the body is not kept there: messages come
 * to it over HTTP alone, where each has an id in its body.
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

/** Consumes the inbox, one batch at a time. A dead message just leaves: the record of it is the log's `dead_letter`. */
export class InboxSource implements AlertSource {
  #stopping: AbortController | undefined;
  #working: Promise<void> = Promise.resolve();
  consuming = false;

  constructor(private readonly inbox: Inbox) {}

  async consume(handle: HandleBatch): Promise<void> {
    if (this.#stopping) return;
    const first = await this.inbox.take();
    this.#stopping = new AbortController();
    this.consuming = true;
    this.#working = this.#work(first, handle, this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort();
    this.consuming = false;
    await Promise.race([this.#working, sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
  }

  async #work(first: Waiting[], handle: HandleBatch, signal: AbortSignal): Promise<void> {
    for (let batch = first; ; batch = await this.#next(signal)) {
      if (signal.aborted) return this.inbox.putBack(batch);
      if (batch.length === 0) await this.inbox.untilPut(signal);
      else await this.#settle(batch, handle, signal);
    }
  }

  async #next(signal: AbortSignal): Promise<Waiting[]> {
    for (let failures = 0; !signal.aborted;) {
      try {
        const batch = await this.inbox.take();
        this.consuming = !signal.aborted;
        return batch;
      } catch {
        // the store is away: whoever asks sees it in `consuming`, and health sees it in the store itself
        this.consuming = false;
        await pause(backOffMs((failures += 1)), signal);
      }
    }
    return [];
  }

  /** Hands a batch over until it is settled, then lets it go. Stopped in between, it puts the batch back. */
  async #settle(batch: readonly Waiting[], handle: HandleBatch, signal: AbortSignal): Promise<void> {
    for (let failures = 0, settled = false; ;) {
      try {
        settled ||= await isSettled(batch, handle);
        if (settled) return await this.inbox.settle(batch);
      } catch {
        // a handler that throws says nothing about its messages; a row that cannot be deleted now is deleted later
      }
      if (signal.aborted) return this.inbox.putBack(batch);
      await pause(backOffMs((failures += 1)), signal);
    }
  }
}

/** Whether every message of it has its fate, the late ones included: a batch leaves as a whole. */
async function isSettled(batch: readonly Waiting[], handle: HandleBatch): Promise<boolean> {
  const outcome = await handle(
    batch.map(({ body, routing_key, traceparent }): ReceivedMessage => ({
      body,
      routing_key,
      headers: traceparent ? { traceparent } : {},
      redelivered: false,
    })),
  );
  if (outcome.kind === 'retry') return false;
  await Promise.all(outcome.outcomes.map((one) => one.outcome === 'late' && one.fate));
  return true;
}

/** 50 ms, doubled up to 5 s, each time between half of it and all of it. */
const backOffMs = (failures: number): number =>
  Math.min(MAX_BACK_OFF_MS, 25 * 2 ** failures) * (0.5 + Math.random() / 2);

/** A pause that ends early, and quietly, when the signal says so. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
