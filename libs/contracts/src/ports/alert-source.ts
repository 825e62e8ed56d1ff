import type { QueueKind } from '../wire';

export type { QueueKind } from '../wire';

/** A message as the queue delivers it: bytes, and what the queue says about them. It is not validated yet. */
export interface ReceivedMessage {
  body: Buffer;
  routing_key?: string;
  message_id?: string;
  /** When the producer sent it, in epoch seconds, as the producer says (an AMQP property). */
  timestamp?: number;
  /** The type and the compression of the body: AMQP properties, as the producer set them. */
  content_type?: string;
  content_encoding?: string;
  headers?: Readonly<Record<string, unknown>>;
  redelivered: boolean;
}

/**
 * A message that was delivered and is still in its queue. An adapter adds the data that it needs to settle it, and gets
 * the same object back.
 */
export interface Delivery {
  readonly message: ReceivedMessage;
  /** How often the message came back before this delivery; 0 where the source does not count. */
  readonly returns: number;
}

/** A dead message, with the reason. */
export interface DeadDelivery {
  readonly delivery: Delivery;
  readonly reason: string;
  readonly detail?: string;
}

/**
 * A message that came back this often is a suspect. If it was unsettled when one process ended, that may be chance;
 * after the second time it is handled alone.
 */
export const SUSPECT_AFTER = 2;

/** One of the queues of a source. */
export interface SourceQueue {
  /** The queue's name in metrics and log lines. */
  name: string;
  kind: QueueKind;
  /** How many delivered messages may be unsettled at most. */
  prefetch: number;
  /** Whether a message of this queue can be parked. */
  parks: boolean;
}

/**
 * A queue that delivers, from `opened` until `lost`. Every method sends its request to the source and does not wait: a
 * message is delivered again if the request does not arrive. No method throws, and each is a no-op for a delivery that
 * is lost. The caller settles each delivery once: some brokers close the session when one is settled again.
 */
export interface DeliverySession {
  /** Acknowledges this message, and every unsettled one that this session delivered before it. */
  acknowledgeUpTo(last: Delivery): void;
  /** Acknowledges this message. */
  acknowledge(delivery: Delivery): void;
  /** Returns this message: the queue delivers it again, to this process or another. */
  giveBack(delivery: Delivery): void;
  /** Moves this message to the queue of suspects. Called only where the queue `parks`. */
  park(delivery: Delivery): void;
}

/** Receives the deliveries of one queue. The source calls it; no method throws. */
export interface DeliveryListener {
  /**
   * Resolves when messages are wanted. A source waits for it before it opens a session: unsettled messages count as
   * delivered when a connection is lost, so an outage behind the listener must not cause repeated deliveries.
   */
  untilWanted(): Promise<void>;
  /** Deliveries follow, all of them of this session. An earlier session is lost. */
  opened(session: DeliverySession): void;
  delivered(delivery: Delivery): void;
  /** The unsettled deliveries of the session come again in another session. May be called twice. */
  lost(): void;
  /** Whether no delivery is unsettled. */
  readonly idle: boolean;
}

/**
 * Where messages come from. An adapter delivers, acknowledges, returns, parks and buries messages. The processor is
 * responsible for batches, attempts, outages and the order of acknowledgements.
 *
 * - Every message is delivered at least once, and leaves its queue only when it is acknowledged or parked. After a
 *   crash, a lost connection or `stop` it comes again. Order is not promised.
 * - A queue delivers messages as soon as they arrive and it has room (`prefetch`), urgent messages before others.
 * - A lost connection, channel or consumer is recovered without the caller; `consuming` says whether messages can
 *   arrive.
 * - A message that ends its process again and again is finally given up, where the source counts deliveries.
 */
export abstract class AlertSource {
  /**
   * Starts to deliver. `open` is called once for each queue, before its first delivery. Rejects with `Unavailable` when
   * it cannot start within the adapter's time, and then delivers nothing. May be called twice.
   */
  abstract consume(open: (queue: SourceQueue) => DeliveryListener): Promise<void>;
  /**
   * Puts dead messages durably into the dead-letter queue, where the source has one. Rejects when that did not succeed
   * for all of them.
   */
  abstract bury(dead: readonly DeadDelivery[]): Promise<void>;
  /**
   * Ends the deliveries; delivered messages can still be settled. Resolves when nothing more is delivered. Never
   * rejects.
   */
  abstract cancel(): Promise<void>;
  /**
   * Closes the source after it has sent all acknowledgements; unsettled messages are delivered again. May be called
   * twice.
   */
  abstract stop(): Promise<void>;
  abstract readonly consuming: boolean;
}
