import type { Msg } from '@nats-io/transport-node';
import type { Delivery, QueueKind } from '@tocsin/contracts/ports';
import type { Place } from './nats-message';

export interface NatsDelivery extends Delivery {
  readonly kind: QueueKind;
  readonly raw: Msg;
  readonly place: Place;
}

export type Answer = '+ACK' | '-NAK' | '+WPI';

/** What is answered for a delivery. */
interface Held {
  readonly since: number;
  /** The message as it came the last time. None when the server has lost it, and its number is another message's. */
  raw: Msg | undefined;
  /** In which run of the server it came. */
  run: number;
}

/**
 * What a lane was delivered and has not settled, in the order of delivery, and how the server is answered.
 *
 * An answer names a message by its number alone. A server that lost the end of a stream when it was killed gives the
 * same numbers to other messages. So what came in an earlier run of the server is not answered: it is delivered again,
 * and the log drops what it has.
 */
export class InHand {
  readonly #held = new Map<NatsDelivery, Held>();
  readonly #bySeq = new Map<number, NatsDelivery>();
  /** Answers that wait for the connection. */
  #unsent: [Held, Answer][] = [];
  #connected = false;
  #serverId: string | undefined;
  /** Counts the runs of the server. */
  #run = 0;

  /** `isOnOneServer`: whether no replica of the stream keeps what a killed server has lost. */
  constructor(private readonly isOnOneServer: boolean) {}

  get size(): number {
    return this.#held.size;
  }

  get deliveries(): NatsDelivery[] {
    return [...this.#held.keys()];
  }

  has(delivery: NatsDelivery): boolean {
    return this.#held.has(delivery);
  }

  /** Whether a message is one in hand that comes again. Its answer then goes to the latest delivery. */
  comesAgain(raw: Msg, { seq, storedAt }: Place): boolean {
    const known = this.#bySeq.get(seq);
    const held = known && this.#held.get(known);
    if (!held) return false;
    const isSame = known.place.storedAt === storedAt;
    Object.assign(held, isSame ? { raw, run: this.#run } : { raw: undefined });
    return isSame;
  }

  add(delivery: NatsDelivery): void {
    this.#held.set(delivery, { since: performance.now(), raw: delivery.raw, run: this.#run });
    this.#bySeq.set(delivery.place.seq, delivery);
  }

  /** Takes a delivery out, to be answered with what this returns. Undefined when it was settled before. */
  take(delivery: NatsDelivery): Held | undefined {
    const held = this.#held.get(delivery);
    this.#held.delete(delivery);
    const { seq } = delivery.place;
    if (this.#bySeq.get(seq) === delivery) this.#bySeq.delete(seq);
    return held;
  }

  /** Answers the server; while it is away, as soon as it is back. */
  answer(held: Held, answer: Answer): void {
    if (!this.#connected) this.#unsent.push([held, answer]);
    else if (held.run === this.#run) held.raw?.respond(answer);
  }

  /** Tells the server that this process still has what came before this moment of `performance.now()`. */
  refresh(before: number): void {
    if (!this.#connected) return;
    for (const held of this.#held.values()) if (held.since < before) this.answer(held, '+WPI');
  }

  /** `serverId`: a server takes another one each time it starts. */
  connected(serverId: string | undefined): void {
    if (this.#serverId !== undefined && serverId !== this.#serverId && this.isOnOneServer) this.#run += 1;
    this.#serverId = serverId;
    this.#connected = true;
    for (const [held, answer] of this.#unsent.splice(0)) this.answer(held, answer);
  }

  disconnected(): void {
    this.#connected = false;
  }
}
