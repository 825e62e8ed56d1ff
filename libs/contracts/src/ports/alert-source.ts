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
  /** It came back too often. It is handed over alone, and is to be stored alone: the others shall not suffer for it. */
  suspect?: boolean;
  /** The queue itself has given it up. It is to be put on record under this reason, and not to be looked into: whatever reads it may end. */
  given_up?: 'delivery_limit';
}

/** What became of one message. */
export type MessageOutcome =
  | { outcome: 'stored' }
  | { outcome: 'folded' }
  | { outcome: 'duplicate' }
  | { outcome: 'dead'; reason: string; detail?: string };

/** A result that takes longer than those beside it, which do not wait for it. Rejecting means that this one alone is to be tried again. */
export interface Late<T> {
  outcome: 'late';
  result: Promise<T>;
}

/**
 * What became of a batch. `settled`: every message has its outcome, in the batch's order, and may leave the queue once it is
 * known.
 * `retry`: the world is at fault; the same batch is to be handed over again, later.
 */
export type BatchOutcome =
  { kind: 'settled'; outcomes: (MessageOutcome | Late<MessageOutcome>)[] } | { kind: 'retry'; reason: string };

/** Takes a batch. An empty one asks whether the world is there: `settled` or `retry`. */
export type HandleBatch = (batch: readonly ReceivedMessage[]) => Promise<BatchOutcome>;

/**
 * Where messages come from.
 *
 * - Every message is handed over at least once, and leaves the queue only after a `settled` outcome. A crash, a lost
 *   connection or a `retry` brings it again.
 * - A batch holds what has arrived, at most the adapter's limit; an idle source does not wait for more.
 * - Batches may be handed over side by side, up to the adapter's limit. Order is not promised.
 * - After `retry` the source keeps what it has in hand, takes nothing more, and tries again with back-off and jitter. However
 *   long that lasts, and however often a connection is lost meanwhile, no message is given up for it.
 * - A message that ends its process again and again is handed over alone (`suspect`), and in the end given up, where the
 *   adapter counts deliveries.
 * - A lost connection, channel or consumer is recovered without the caller; `consuming` says whether messages can arrive.
 * - A `dead` message goes to the dead-letter queue, where the adapter has one, before it leaves its own.
 */
export abstract class AlertSource {
  /** Starts to consume. Rejects with `Unavailable` when that cannot be done within its time. */
  abstract consume(handle: HandleBatch): Promise<void>;
  /** Takes nothing more and resolves once the batches in hand are settled, or after 10 s. May be called twice. */
  abstract stop(): Promise<void>;
  abstract readonly consuming: boolean;
}
