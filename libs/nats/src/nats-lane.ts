import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Msg } from '@nats-io/transport-node';
import type { DeliveryListener, SourceQueue } from '@tocsin/contracts/ports';
import { fullJitter, within } from '@tocsin/timing';
import { InHand, type NatsDelivery } from './in-hand';
import { messageOf, placeOf, returnsOf } from './nats-message';
import type { NatsQueue } from './nats-queue';
import { CONSUMER } from './nats-streams';
import { pull } from './pull';
import { StuckWatch } from './stuck';

/** The back-off while NATS is away. */
const BACK_OFF = { firstMs: 50, capMs: 1_000 };
/** A suspect that came back this often is given up. */
const GIVEN_UP_AFTER = 5;
const STOP_WITHIN_MS = 5_000;

/**
 * Delivers one stream. Its session lasts as long as the lane: a lost connection loses no delivery, because the consumer
 * keeps what it was delivered, and takes the acknowledgement over any connection.
 */
export class NatsLane {
  readonly #ending = new AbortController();
  readonly #inHand: InHand;
  readonly #copying = new Set<Promise<void>>();
  #delivering: Promise<void> | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #search: NodeJS.Timeout | undefined;
  readonly #stuck = new StuckWatch();
  #unwatch: () => void = () => undefined;
  #roomMade: () => void = () => undefined;
  consuming = false;

  constructor(
    private readonly queue: NatsQueue,
    private readonly about: SourceQueue,
    private readonly listener: DeliveryListener,
  ) {
    this.#inHand = new InHand(queue.streams.isOnOneServer);
  }

  start(): void {
    this.consuming = true;
    this.#refresh = setInterval(() => this.#keep(), this.queue.streams.takeOverAfterMs / 3).unref();
    this.#search = setInterval(() => void this.#release(), this.queue.streams.takeOverAfterMs).unref();
    this.#unwatch = this.queue.connection.watch(() => this.#connectionChanged());
    this.#connectionChanged();
    this.#delivering = this.#deliver();
  }

  async cancel(): Promise<void> {
    this.#ending.abort();
    this.consuming = false;
    this.#roomMade();
    await this.#delivering;
  }

  /** Sends what is settled, and gives back everything else. */
  async stop(): Promise<void> {
    await this.cancel();
    for (const delivery of this.#inHand.deliveries) this.#giveBack(delivery);
    await within(STOP_WITHIN_MS, Promise.all(this.#copying), () => undefined);
    clearInterval(this.#refresh);
    clearInterval(this.#search);
    this.#unwatch();
  }

  async #deliver(): Promise<void> {
    const { signal } = this.#ending;
    await Promise.race([this.listener.untilWanted(), untilAborted(signal)]);
    if (signal.aborted) return;
    this.listener.opened({
      acknowledgeUpTo: (delivery: NatsDelivery) => this.#acknowledgeUpTo(delivery),
      acknowledge: (delivery: NatsDelivery) => this.#acknowledge(delivery),
      giveBack: (delivery: NatsDelivery) => this.#giveBack(delivery),
      park: (delivery: NatsDelivery) => this.#move(delivery, 'suspects'),
    });
    for (let failures = 0; !signal.aborted;) {
      const room = this.about.prefetch - this.#inHand.size - this.#copying.size;
      if (room <= 0) {
        await new Promise<void>((resolve) => (this.#roomMade = resolve));
        continue;
      }
      try {
        await this.#pull(room, () => (failures = 0));
      } catch {
        this.consuming = false;
        await pause(fullJitter(failures++, BACK_OFF), signal);
        // streams or consumer may be gone, as after the loss of NATS's data
        if (!signal.aborted) await this.queue.streams.prepare().catch(() => undefined);
      }
    }
  }

  async #pull(batch: number, onAnswer: () => void): Promise<void> {
    const { signal } = this.#ending;
    const { connection } = this.queue;
    await pull(connection.client, {
      subject: `$JS.API.CONSUMER.MSG.NEXT.${this.queue.streams.name(this.about.kind)}.${CONSUMER}`,
      batch,
      signal,
      whenLost: (tell) => connection.watch(() => !connection.connected && tell()),
      onMessage: (raw) => this.#handOver(raw),
      onAnswer: () => {
        this.consuming = !signal.aborted;
        onAnswer();
      },
    });
  }

  #handOver(raw: Msg): void {
    const { kind } = this.about;
    const place = placeOf(raw);
    const returns = returnsOf(raw, place);
    // the server was away for longer than the time after which it delivers again; this process still has the message
    if (this.#inHand.comesAgain(raw, place)) return;
    const delivery: NatsDelivery = { kind, raw, place, returns, message: messageOf(kind, raw, place) };
    this.#inHand.add(delivery);
    if (this.#ending.signal.aborted) return this.#giveBack(delivery);
    if (kind === 'suspects' && returns >= GIVEN_UP_AFTER) return this.#move(delivery, 'given_up');
    this.listener.delivered(delivery);
  }

  #acknowledge(delivery: NatsDelivery): void {
    const held = this.#inHand.take(delivery);
    if (!held) return;
    this.#inHand.answer(held, '+ACK');
    this.#roomMade();
  }

  /** Acknowledges what is in hand up to and including this one, in the order of delivery. */
  #acknowledgeUpTo(last: NatsDelivery): void {
    if (!this.#inHand.has(last)) return;
    for (const delivery of this.#inHand.deliveries) {
      this.#acknowledge(delivery);
      if (delivery === last) return;
    }
  }

  /**
   * Puts a copy at the end of the stream, which keeps the count of returns: the server would count a `-NAK` like the
   * end of a process. Where there is no room for a copy, it is a `-NAK` all the same.
   */
  #giveBack(delivery: NatsDelivery): void {
    const held = this.#inHand.take(delivery);
    if (!held) return;
    const { kind, raw, returns } = delivery;
    this.#copy(
      this.queue.copy(raw, kind, kind, returns).then(
        () => this.#inHand.answer(held, '+ACK'),
        () => this.#inHand.answer(held, '-NAK'),
      ),
    );
  }

  /** A message whose copy fails comes again: it is no longer refreshed. */
  #move(delivery: NatsDelivery, to: 'suspects' | 'given_up'): void {
    const held = this.#inHand.take(delivery);
    if (!held) return;
    this.#copy(this.queue.copy(delivery.raw, delivery.kind, to, 0).then(() => this.#inHand.answer(held, '+ACK')));
  }

  #copy(work: Promise<void>): void {
    const copying = work
      .catch(() => undefined)
      .finally(() => {
        this.#copying.delete(copying);
        this.#roomMade();
      });
    this.#copying.add(copying);
  }

  #connectionChanged(): void {
    const { connected, serverId } = this.queue.connection;
    if (connected) {
      this.#inHand.connected(serverId);
      this.#keep();
    } else {
      this.consuming = false;
      this.#inHand.disconnected();
    }
  }

  /** Has everything delivered again when a message is stuck: the log drops what it has. */
  async #release(): Promise<void> {
    if (!this.queue.connection.connected || this.#ending.signal.aborted) return;
    const { kind } = this.about;
    const found = await this.queue.streams.disagreementIn(kind).catch(() => undefined);
    if (this.#stuck.note(found)) await this.queue.streams.renewConsumer(kind).catch(() => undefined);
  }

  /** Tells the server that this process is alive and still has these messages. */
  #keep(): void {
    this.#inHand.refresh(performance.now() - this.queue.streams.takeOverAfterMs / 5);
  }
}

/** A pause that ends early, without an error, when the signal is aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};
