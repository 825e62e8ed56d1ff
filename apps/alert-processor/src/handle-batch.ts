import type { ReceivedMessage } from '@tocsin/contracts/ports';

/** A message of a batch, with what its queue says of it. */
export interface BatchMessage extends ReceivedMessage {
  /** It came back too often. It is handed over alone, and is to be stored alone: the others shall not suffer for it. */
  suspect?: boolean;
  /** The source itself has given it up. It is to be put on record under this reason, and not to be looked into: whatever reads it may end. */
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
 * known. `retry`: the world is at fault; the same batch is to be handed over again, later.
 */
export type BatchOutcome =
  { kind: 'settled'; outcomes: (MessageOutcome | Late<MessageOutcome>)[] } | { kind: 'retry'; reason: string };

/**
 * Takes a batch. Batches may be handed over side by side. An empty one asks whether the world is there: `settled` or `retry`.
 * One that rejects is tried again like `retry`.
 */
export type HandleBatch = (batch: readonly BatchMessage[]) => Promise<BatchOutcome>;
