/** A message as the queue delivers it: bytes, and what the queue says about them. Not trusted yet. */
export interface ReceivedMessage {
  body: Buffer;
  routing_key?: string;
  message_id?: string;
  /** When the producer says it sent it, in epoch seconds (an AMQP property). */
  timestamp?: number;
  /** What the body is, and how it is compressed: AMQP properties, as the producer set them. */
  content_type?: string;
  content_encoding?: string;
  headers?: Readonly<Record<string, unknown>>;
  redelivered: boolean;
}

/** A message that was delivered and is still in its queue. An adapter adds what it needs to settle it, and gets the same object back. */
export interface Delivery {
  readonly message: ReceivedMessage;
  /** How often it came back before this delivery; 0 where the source does not count. */
  readonly returns: number;
}

/** A message that is dead, and why. */
export interface DeadDelivery {
  readonly delivery: Delivery;
  readonly reason: string;
  readonly detail?: string;
}

/** A message that came back this often is a suspect. In hand once when a process ended may be chance; twice is worth a closer look. */
export const SUSPECT_AFTER = 2;

/**
 * What a queue holds. `urgent` and `common`: what was published. `suspects`: what was parked, each to be handled alone.
 * `given_up`: what the source gave up since it was delivered too often, to be put on record without being read.
 */
export type QueueKind = 'urgent' | 'common' | 'suspects' | 'given_up';

/** One of the queues of a source. */
export interface SourceQueue {
  /** Stands in metrics and log lines. */
  name: string;
  kind: QueueKind;
  /** The most messages that it has delivered and that are not settled. */
  prefetch: number;
  /** Whether a message of it can be parked. */
  parks: boolean;
}

/**
 * A queue that delivers, from `opened` until `lost`. Every method tells the source and waits for nothing: what does not
 * arrive there is delivered again. No method throws, and each is a no-op for a delivery that is settled or lost.
 */
export interface DeliverySession {
  /** Lets this message go, and every one that this session delivered before it and that is not settled. */
  acknowledgeUpTo(last: Delivery): void;
  /** Lets this message go. */
  acknowledge(delivery: Delivery): void;
  /** Puts this message back: the queue delivers it again, here or to another process. */
  giveBack(delivery: Delivery): void;
  /** Moves this message to the queue of suspects. Called only where the queue `parks`. */
  park(delivery: Delivery): void;
}

/** Who takes what one queue delivers. A source calls it; nothing here throws. */
export interface DeliveryListener {
  /**
   * Resolves when messages are wanted. A source waits for it before it opens a session: what is in hand when a connection
   * is lost counts as delivered, so that an outage behind the listener must not have messages delivered again and again.
   */
  untilWanted(): Promise<void>;
  /** Deliveries follow, all of them of this session. A session that was opened before is lost. */
  opened(session: DeliverySession): void;
  delivered(delivery: Delivery): void;
  /** What the session delivered and was not settled comes again in another one. May be called twice. */
  lost(): void;
  /** Whether nothing that was delivered is in hand. */
  readonly idle: boolean;
}

/**
 * Where messages come from. An adapter delivers, lets go, puts back, parks and buries; batches, attempts, outages and the order
 * of acknowledging are the processor's.
 *
 * - Every message is delivered at least once, and leaves its queue only when it is acknowledged or parked. A crash, a lost
 *   connection or `stop` brings it again. Order is not promised.
 * - A queue delivers what has arrived as soon as it has room (`prefetch`), urgent messages before others.
 * - A lost connection, channel or consumer is recovered without the caller; `consuming` says whether messages can arrive.
 * - A message that ends its process again and again is given up in the end, where the source counts deliveries.
 */
export abstract class AlertSource {
  /**
   * Starts to deliver. `open` is called once for each queue, before anything is delivered from it. Rejects with `Unavailable`
   * when that cannot be done within the adapter's time, and delivers nothing then. May be called twice.
   */
  abstract consume(open: (queue: SourceQueue) => DeliveryListener): Promise<void>;
  /** Puts dead messages among the dead ones, durably, where the source keeps such. Rejects when that did not succeed for all of them. */
  abstract bury(dead: readonly DeadDelivery[]): Promise<void>;
  /** Ends the deliveries; what was delivered can still be settled. Resolves when nothing more is delivered. Never rejects. */
  abstract cancel(): Promise<void>;
  /** Closes the source once it knows of all that was settled; what is not settled is delivered again. May be called twice. */
  abstract stop(): Promise<void>;
  abstract readonly consuming: boolean;
}
