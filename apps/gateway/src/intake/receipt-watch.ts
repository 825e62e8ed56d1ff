import type { ValidMessage } from '@tocsin/contracts';
import { parseAlertMessage, publishedForm, routingKeyOf } from '@tocsin/messages';
import type { PublishedMessage, Receipt, Receipts } from '@tocsin/contracts/ports';
import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** The most messages that are awaited at once. A request beyond that is answered without waiting. */
const MAX_AWAITED = 5_000;
/**
 * How often the event log is read, in milliseconds: soon at first, since storing takes milliseconds, then less often
 * while nothing arrives.
 */
const FIRST_LOOK_MS = 10;
const SLOWEST_LOOK_MS = 250;

interface Waiter {
  awaited: readonly PublishedMessage[];
  receipts: (Receipt | undefined)[];
  until: number;
  answer(receipts: Receipt[] | undefined): void;
}

/**
 * Waits for messages to leave the queue, for all requests at once: each read of the event log covers all awaited
 * messages. Reads back off, and stop while no request waits. An event log that is unavailable looks the same as one
 * that has not stored anything yet.
 */
export class ReceiptWatch {
  readonly #waiters = new Set<Waiter>();
  #awaited = 0;
  #lookMs = FIRST_LOOK_MS;
  #looking = false;
  #closed = false;

  constructor(private readonly receipts: Receipts) {}

  /** The outcome of the messages, in their order; undefined on timeout, or when too many messages are awaited. */
  wait(messages: readonly ValidMessage[], timeoutMs: number): Promise<Receipt[] | undefined> {
    if (this.#closed || this.#awaited + messages.length > MAX_AWAITED) return Promise.resolve(undefined);
    return new Promise((answer) => {
      this.#waiters.add({
        awaited: messages.map(asPublished),
        receipts: new Array(messages.length).fill(undefined),
        until: performance.now() + timeoutMs,
        answer,
      });
      this.#awaited += messages.length;
      this.#lookMs = FIRST_LOOK_MS;
      if (!this.#looking) void this.#look();
    });
  }

  /** Ends all waits at once, because this process will not see further outcomes. May be called twice. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) this.#leave(waiter, undefined);
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#waiters.size > 0) {
      await sleep(this.#lookMs, undefined, { ref: false });
      this.#lookMs = Math.min(SLOWEST_LOOK_MS, this.#lookMs * 1.5);
      const waiters = [...this.#waiters];
      await this.#ask(waiters).catch(() => undefined);
      for (const waiter of waiters) {
        if (waiter.receipts.every((receipt) => receipt !== undefined)) this.#leave(waiter, waiter.receipts);
        else if (performance.now() >= waiter.until) this.#leave(waiter, undefined);
      }
    }
    this.#looking = false;
  }

  async #ask(waiters: readonly Waiter[]): Promise<void> {
    const open = waiters.flatMap((waiter) =>
      waiter.awaited.flatMap((message, index) => (waiter.receipts[index] ? [] : [{ waiter, message, index }])),
    );
    const found = await this.receipts.of(open.map(({ message }) => message));
    open.forEach(({ waiter, index }, at) => (waiter.receipts[index] = found[at]));
  }

  #leave(waiter: Waiter, receipts: Receipt[] | undefined): void {
    if (!this.#waiters.delete(waiter)) return;
    this.#awaited -= waiter.awaited.length;
    waiter.answer(receipts);
  }
}

/**
 * The message as the processor will read it from the queue: the form in which it came over HTTP may have another hash.
 */
function asPublished(message: ValidMessage): PublishedMessage {
  const bytes = publishedForm(message);
  const parsed = parseAlertMessage(bytes, { routing_key: routingKeyOf(message) });
  const { tenant_id, service, id } = message;
  return {
    tenant_id,
    service,
    id,
    body_hash: parsed.ok ? parsed.body_hash : '',
    bytes_sha256: hash('sha256', bytes, 'hex'),
  };
}
