import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Delivery, DeliveryListener, SourceQueue } from '@tocsin/contracts/ports';
import { fullJitter, within } from '@tocsin/timing';
import { newClient } from '../connection';
import { messageOf } from './stream-message';
import { isGroupMissing, TAKE_OVER_AFTER_MS, type StreamEntry, type StreamQueue } from './stream-queue';

/** How long a read waits for a message; between two reads the lane looks for messages that came back. Milliseconds. */
const BLOCK_MS = 1_000;
/** A read without a reply after this time has lost its connection. */
const READ_WITHIN_MS = BLOCK_MS + 2_000;
/** How many messages one read takes at most. */
const READ_AT_MOST = 500;
/** The back-off while Redis is away. */
const BACK_OFF = { firstMs: 100, capMs: 2_000 };
/** A suspect that came back this often is given up. */
const GIVEN_UP_AFTER = 5;
const STOP_WITHIN_MS = 5_000;

interface StreamDelivery extends Delivery {
  readonly id: string;
}

/**
 * Delivers one stream. Its session lasts as long as the lane: a lost connection loses no delivery, because the consumer
 * keeps what it holds.
 */
export class StreamLane {
  readonly #ending = new AbortController();
  readonly #client: Redis;
  /** The ids that are delivered and not settled, in the order of delivery. */
  readonly #inHand = new Set<string>();
  /** The ids that are settled and still in the stream. */
  readonly #leaving = new Set<string>();
  #returning: string[] = [];
  #sending: Promise<void> | undefined;
  #delivering: Promise<void> | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #roomMade: () => void = () => undefined;
  consuming = false;

  constructor(
    private readonly queue: StreamQueue,
    private readonly about: SourceQueue,
    private readonly listener: DeliveryListener,
    private readonly consumer: string,
    url: string,
  ) {
    this.#client = newClient(url, `tocsin-queue-${about.kind}`, queue.prefix);
  }

  start(): void {
    this.consuming = true;
    this.#refresh = setInterval(() => void this.#keep(), TAKE_OVER_AFTER_MS / 3).unref();
    this.#delivering = this.#deliver();
  }

  async cancel(): Promise<void> {
    this.#ending.abort();
    this.consuming = false;
    this.#roomMade();
    this.#client.disconnect();
    await this.#delivering;
  }

  /** Sends what is settled, and gives back everything else. */
  async stop(): Promise<void> {
    await this.cancel();
    clearInterval(this.#refresh);
    if (!this.#delivering) return;
    this.#inHand.clear();
    const left = (this.#sending ?? Promise.resolve()).then(() => this.queue.leave(this.about.kind, this.consumer));
    await within(
      STOP_WITHIN_MS,
      left.catch(() => undefined), // it is taken over from a consumer that is silent
      () => undefined,
    );
  }

  async #deliver(): Promise<void> {
    const { signal } = this.#ending;
    await Promise.race([this.listener.untilWanted(), untilAborted(signal)]);
    if (signal.aborted) return;
    this.listener.opened({
      acknowledgeUpTo: ({ id }: StreamDelivery) => this.#acknowledge(this.#upTo(id)),
      acknowledge: ({ id }: StreamDelivery) => this.#acknowledge([id]),
      giveBack: ({ id }: StreamDelivery) => this.#giveBack(id),
      park: ({ id }: StreamDelivery) => this.#move(id, 'suspects'),
    });
    let lookedAt = 0;
    for (let failures = 0; !signal.aborted;) {
      const room = this.about.prefetch - this.#inHand.size - this.#leaving.size;
      if (room <= 0) {
        await new Promise<void>((resolve) => (this.#roomMade = resolve));
        continue;
      }
      try {
        const count = Math.min(room, READ_AT_MOST);
        const look = performance.now() - lookedAt >= BLOCK_MS;
        if (look) lookedAt = performance.now();
        const back = look ? await this.queue.claim(this.about.kind, this.consumer, count) : [];
        const entries = back.length > 0 ? back : await this.#read(count);
        this.consuming = !signal.aborted;
        failures = 0;
        for (const entry of entries) this.#handOver(entry);
      } catch (error) {
        this.consuming = false;
        if (isGroupMissing(error)) await this.queue.prepare(this.about.kind).catch(() => undefined);
        await pause(fullJitter(failures++, BACK_OFF), signal);
      }
    }
  }

  async #read(count: number): Promise<StreamEntry[]> {
    const client = this.#client;
    if (client.status === 'wait') await client.connect();
    return within(READ_WITHIN_MS, this.queue.read(client, this.about.kind, this.consumer, count, BLOCK_MS), () => {
      client.disconnect(true);
      throw new Error(`no answer within ${READ_WITHIN_MS} ms`);
    });
  }

  #handOver(entry: StreamEntry): void {
    const { id, returns } = entry;
    // after the cancellation `stop` gives it back
    if (this.#ending.signal.aborted || this.#inHand.has(id) || this.#leaving.has(id)) return;
    if (this.about.kind === 'suspects' && returns >= GIVEN_UP_AFTER) return this.#move(id, 'given_up');
    this.#inHand.add(id);
    const delivery: StreamDelivery = { id, returns, message: messageOf(this.about.kind, entry) };
    this.listener.delivered(delivery);
  }

  #acknowledge(ids: readonly string[]): void {
    for (const id of ids) if (this.#inHand.delete(id)) this.#leaving.add(id);
    this.#send();
  }

  /** The ids in hand up to and including this one, in the order of delivery. */
  #upTo(last: string): string[] {
    const ids: string[] = [];
    if (!this.#inHand.has(last)) return ids;
    for (const id of this.#inHand) {
      ids.push(id);
      if (id === last) break;
    }
    return ids;
  }

  #giveBack(id: string): void {
    if (!this.#inHand.delete(id)) return;
    this.#returning.push(id);
    this.#send();
    this.#roomMade();
  }

  /** An entry whose move fails comes again: it is no longer refreshed. */
  #move(id: string, to: 'suspects' | 'given_up'): void {
    this.#inHand.delete(id);
    void this.queue.move(this.about.kind, to, id).catch(() => undefined);
    this.#roomMade();
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  /** One request for all that one turn settled, or that was settled while another request was on its way. */
  async #sendAll(): Promise<void> {
    const { signal } = this.#ending;
    const { kind } = this.about;
    await Promise.resolve();
    for (let failures = 0; this.#leaving.size > 0 || this.#returning.length > 0;) {
      const [settled, returned] = [[...this.#leaving], this.#returning.splice(0)];
      try {
        if (returned.length > 0) await this.queue.giveBack(kind, returned);
        if (settled.length > 0) await this.queue.settle(kind, settled);
        for (const id of settled) this.#leaving.delete(id);
        failures = 0;
        this.#roomMade();
      } catch {
        // what is not given back is taken over later, also by this consumer
        if (signal.aborted) return;
        await pause(fullJitter(failures++, BACK_OFF), signal);
      }
    }
  }

  async #keep(): Promise<void> {
    const ids = [...this.#inHand, ...this.#leaving];
    await this.queue.refresh(this.about.kind, this.consumer, ids).catch(() => undefined);
  }
}

/** A pause that ends early, without an error, when the signal is aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};
