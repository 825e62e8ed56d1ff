import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AlertSource, Delivery, DeliveryListener, SourceQueue } from '@tocsin/contracts/ports';
import { fullJitter, within } from '@tocsin/timing';
import type { ActiveConsumer } from './active-consumer';
import type { Inbox, Waiting } from './inbox.postgres';

/** As many messages as one batch holds: an urgent message waits behind no more than these. */
const PREFETCH = 500;
const STOP_WITHIN_MS = 10_000;
/** The back-off while the database is away; a message waits at most this long after its return. */
const BACK_OFF = { firstMs: 100, capMs: 5_000 };

interface InboxDelivery extends Delivery {
  readonly inbox_id: number;
}

/**
 * Consumes the inbox. It has no dead letters of its own, because the event log keeps the record of a dead message. It
 * does not count deliveries, so no message is parked or given up.
 */
export class InboxSource implements AlertSource {
  readonly #inbox: Inbox;
  readonly #turn: ActiveConsumer | undefined;
  readonly #ending = new AbortController();
  /** The ids that are delivered and not settled, in the order of delivery. */
  readonly #inHand = new Set<number>();
  /** The ids that are acknowledged but still in the table. */
  #leaving: number[] = [];
  #removing: Promise<void> | undefined;
  #delivering: Promise<void> | undefined;
  #roomMade: () => void = () => undefined;
  /** The listener, while a session of it is open. */
  #opened: DeliveryListener | undefined;
  consuming = false;

  /** `turn` decides which of several processes consumes; without it this one does. */
  constructor(inbox: Inbox, turn?: ActiveConsumer) {
    this.#inbox = inbox;
    this.#turn = turn;
    turn?.onLost(() => this.#lose());
  }

  /** Whether `consume` was called. If so, it is a fault when it cannot be known whose turn it is. */
  get wanted(): boolean {
    return this.#delivering !== undefined && !this.#ending.signal.aborted;
  }

  async consume(open: (queue: SourceQueue) => DeliveryListener): Promise<void> {
    if (this.#delivering) return;
    await this.#inbox.listen();
    // where another process may be consuming, this one waits for its turn below
    const first = this.#turn ? [] : await this.#inbox.take(PREFETCH);
    const listener = open({ name: 'inbox', kind: 'common', prefetch: PREFETCH, parks: false });
    this.consuming = !this.#turn && !this.#ending.signal.aborted;
    this.#delivering = this.#deliver(listener, first);
  }

  bury(): Promise<void> {
    return Promise.resolve();
  }

  async cancel(): Promise<void> {
    this.#ending.abort();
    this.consuming = false;
    this.#roomMade();
    await this.#delivering;
  }

  async stop(): Promise<void> {
    const told = this.cancel().then(() => this.#removing);
    await within(STOP_WITHIN_MS, told, () => undefined);
    await this.#turn?.release();
    this.#inbox.putBack([...this.#inHand, ...this.#leaving.splice(0)]);
    this.#inHand.clear();
  }

  async #deliver(listener: DeliveryListener, first: readonly Waiting[]): Promise<void> {
    const { signal } = this.#ending;
    await Promise.race([listener.untilWanted(), untilAborted(signal)]);
    for (let taken = first; ; taken = await this.#next()) {
      const ids = taken.map(({ inbox_id }) => inbox_id);
      if (signal.aborted) return this.#inbox.putBack(ids);
      if (this.#turn?.active === false) {
        // the turn was lost while they were taken, or has not come yet
        this.#inbox.putBack(ids);
        continue;
      }
      if (!this.#opened) this.#open(listener);
      for (const waiting of taken) {
        this.#inHand.add(waiting.inbox_id);
        listener.delivered(deliveryOf(waiting));
      }
      if (taken.length === 0) await this.#inbox.untilPut(signal);
    }
  }

  /** The session lasts as long as the turn; a lost connection of the pool ends neither. */
  #open(listener: DeliveryListener): void {
    this.#opened = listener;
    listener.opened({
      acknowledgeUpTo: ({ inbox_id }: InboxDelivery) => this.#acknowledge(this.#upTo(inbox_id)),
      acknowledge: ({ inbox_id }: InboxDelivery) => this.#acknowledge([inbox_id]),
      giveBack: ({ inbox_id }: InboxDelivery) => this.#giveBack(inbox_id),
      // never called: the queue does not park
      park: ({ inbox_id }: InboxDelivery) => this.#giveBack(inbox_id),
    });
  }

  /** The turn is lost: another process takes what is in hand here, or this one does when it is its turn again. */
  #lose(): void {
    this.consuming = false;
    this.#opened?.lost();
    this.#opened = undefined;
    this.#inbox.putBack([...this.#inHand]);
    this.#inHand.clear();
    this.#roomMade();
  }

  async #next(): Promise<readonly Waiting[]> {
    const { signal } = this.#ending;
    for (let failures = 0; !signal.aborted;) {
      const room = PREFETCH - this.#inHand.size - this.#leaving.length;
      if (room <= 0) {
        await new Promise<void>((resolve) => (this.#roomMade = resolve));
        continue;
      }
      await this.#turn?.untilActive(signal);
      if (signal.aborted) break;
      try {
        const taken = await this.#inbox.take(room);
        this.consuming = !signal.aborted && this.#turn?.active !== false;
        return taken;
      } catch {
        // the database is away: `consuming` reports it, and so does the health check of the database
        this.consuming = false;
        await pause(fullJitter(failures++, BACK_OFF), signal);
      }
    }
    return [];
  }

  /** Removes those of `ids` from the inbox that are in hand. */
  #acknowledge(ids: readonly number[]): void {
    this.#leaving.push(...ids.filter((id) => this.#inHand.delete(id)));
    this.#removing ??= this.#remove().finally(() => (this.#removing = undefined));
  }

  /** The ids in hand up to and including this one, in the order of delivery. */
  #upTo(last: number): number[] {
    const ids: number[] = [];
    if (!this.#inHand.has(last)) return ids;
    for (const id of this.#inHand) {
      ids.push(id);
      if (id === last) break;
    }
    return ids;
  }

  #giveBack(id: number): void {
    if (!this.#inHand.delete(id)) return;
    this.#inbox.putBack([id]);
    this.#roomMade();
  }

  /**
   * Deletes acknowledged rows: one statement for all of one turn, or for all that came while another statement ran. A
   * row that cannot be deleted now is deleted later.
   */
  async #remove(): Promise<void> {
    const { signal } = this.#ending;
    await Promise.resolve();
    for (let failures = 0; this.#leaving.length > 0;) {
      const ids = [...this.#leaving];
      try {
        await this.#inbox.settle(ids);
        this.#leaving.splice(0, ids.length);
        this.#roomMade();
      } catch {
        if (signal.aborted) return;
        await pause(fullJitter(failures++, BACK_OFF), signal);
      }
    }
  }
}

const deliveryOf = ({ inbox_id, body, routing_key, traceparent }: Waiting): InboxDelivery => ({
  inbox_id,
  returns: 0,
  message: { body, routing_key, headers: traceparent ? { traceparent } : {}, redelivered: false },
});

/** A pause that ends early, without an error, when the signal is aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};
