import type { PublishOutcome } from './alert-intake';

/** A message exactly as a producer sent it, with what the transport said beside it. */
export interface RawMessage {
  body: Buffer;
  routing_key: string;
  /** Its id where the body has none: the same message must carry the same one each time. */
  message_id: string;
  /** When the producer sent it, in epoch seconds. */
  timestamp: number;
  content_encoding?: string;
  headers?: Readonly<Record<string, unknown>>;
}

/**
 * The way back in for messages that were here before, such as dead letters: the bytes are neither read nor changed, and
 * the queue judges them anew. Everything else is as `AlertIntake` promises it: confirmed means durable, `failed` says
 * nothing about the message's fate, outcomes stand in the order of the messages (by `message_id`), 5 s at most, and
 * `Unavailable` when nothing was sent.
 */
export abstract class RawIntake {
  abstract republish(messages: readonly RawMessage[]): Promise<PublishOutcome[]>;
}
