import type { ReceivedMessage } from '@tocsin/contracts/ports';

/** A message of a batch, with its mark from the queue that it came from. */
export interface BatchMessage extends ReceivedMessage {
  /** The message came back too often. It is handed over and stored alone, so that it does no harm to other messages. */
  suspect?: boolean;
  /**
   * The source has given the message up. It is put on record with this reason and must not be read: it may end every
   * process that reads it.
   */
  given_up?: 'delivery_limit';
}

/** What became of one message. */
export type MessageOutcome =
  | { outcome: 'stored' }
  | { outcome: 'folded' }
  | { outcome: 'duplicate' }
  | { outcome: 'dead'; reason: string; detail?: string };

/**
 * A result that comes later than the others of its batch, which do not wait for it. When `result` rejects, only this
 * message is to be tried again.
 */
export interface Late<T> {
  outcome: 'late';
  result: Promise<T>;
}

/**
 * What became of a batch.
 * - `settled`: every message has its outcome, in the order of the batch, and may leave the queue once its outcome is
 *   known.
 * - `retry`: a dependency is at fault; the caller hands the same batch over again later.
 */
export type BatchOutcome =
  { kind: 'settled'; outcomes: (MessageOutcome | Late<MessageOutcome>)[] } | { kind: 'retry'; reason: string };

/**
 * Handles a batch. Several batches may be handed over at the same time. An empty batch asks whether the dependencies
 * are there: the result is `settled` or `retry`. A rejection means the same as `retry`.
 */
export type HandleBatch = (batch: readonly BatchMessage[]) => Promise<BatchOutcome>;
