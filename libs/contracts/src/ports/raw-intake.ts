import type { PublishOutcome } from './alert-intake';

/** A message exactly as a producer sent it, with its transport properties. */
export interface RawMessage {
  body: Buffer;
  routing_key: string;
  /** The id for a body without one. The same message must have the same id each time. */
  message_id: string;
  /** When the producer sent it, in epoch seconds. */
  timestamp: number;
  content_encoding?: string;
  headers?: Readonly<Record<string, unknown>>;
}

/**
 * The entrance for messages that Tocsin received before, such as dead letters. The bytes are neither read nor changed,
 * and the processor judges them again. The other guarantees are those of `AlertIntake`: confirmed means durable,
 * `failed` says nothing about the message's fate, outcomes are in the order of the messages (by `message_id`), 5 s at
 * most, and `QueueFull` or another `Unavailable` when nothing was stored.
 */
export abstract class RawIntake {
  abstract republish(messages: readonly RawMessage[]): Promise<PublishOutcome[]>;
}
