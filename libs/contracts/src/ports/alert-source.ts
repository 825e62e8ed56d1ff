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
  /**
   * The message was redelivered too often. It is handed over alone and must be stored alone, so that other messages do
   * not suffer from it.
   */
  suspect?: boolean;
  /**
   * The queue itself has given the message up. Record it under this reason without reading it: reading may end the
   * process.
   */
  given_up?: 'delivery_limit';
}

/** The outcome of one message. */
export type MessageOutcome =
  | { outcome: 'stored' }
  | { outcome: 'folded' }
  | { outcome: 'duplicate' }
  | { outcome: 'dead'; reason: string; detail?: string };

/**
 * The outcome of a message that takes longer than its batch. The message may leave the queue when it resolves. A
 * rejection means `retry` for this message alone.
 */
export interface LateOutcome {
  outcome: 'late';
  fate: Promise<MessageOutcome>;
}

/**
 * The outcome of a batch. `settled`: every message has its outcome, in the batch's order, and may leave the queue.
 * `retry`: a dependency is away, and the source hands over the same batch again later.
 */
export type BatchOutcome =
  { kind: 'settled'; outcomes: (MessageOutcome | LateOutcome)[] } | { kind: 'retry'; reason: string };

/** Handles a batch. An empty batch checks whether the dependencies are available: `settled` or `retry`. */
export type HandleBatch = (batch: readonly ReceivedMessage[]) => Promise<BatchOutcome>;

/**
 * Where messages come from.
 *
 * - Every message is handed over at least once, and leaves the queue only after a `settled` outcome. After a crash, a
 *   lost connection or a `retry` it comes again.
 * - A batch holds the messages that have arrived, at most the adapter's limit; an idle source does not wait for more.
 * - Batches may be handed over side by side, up to the adapter's limit. Order is not promised.
 * - After `retry` the source keeps its unsettled batches, takes no more messages, and tries again with back-off and
 *   jitter. However long that lasts, and however often a connection is lost meanwhile, no message is given up because
 *   of it.
 * - A message that ends its process again and again is handed over alone (`suspect`), and finally given up, where the
 *   adapter counts deliveries.
 * - A lost connection, channel or consumer is recovered without the caller; `consuming` says whether messages can
 *   arrive.
 * - A `dead` message goes to the dead-letter queue, where the adapter has one, before it leaves its own queue.
 */
export abstract class AlertSource {
  /** Starts to consume. Rejects with `Unavailable` when it cannot start in time. */
  abstract consume(handle: HandleBatch): Promise<void>;
  /** Takes no more messages and resolves once the current batches are settled, or after 10 s. May be called twice. */
  abstract stop(): Promise<void>;
  abstract readonly consuming: boolean;
}
