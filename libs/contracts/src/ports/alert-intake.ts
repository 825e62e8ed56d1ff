import type { ValidMessage } from '../valid-message';

/** The outcome of one published message. */
export type PublishOutcome = { id: string; outcome: 'confirmed' } | { id: string; outcome: 'failed'; reason: string };

export interface PublishContext {
  /** The W3C trace context of the caller. It goes with every message, and its trace id into the entry. */
  traceparent?: string;
}

/**
 * The entrance for alerts: hands valid messages to the queue.
 *
 * - A message is `confirmed` once it is durable in the queue. From then on it is stored exactly once, or recorded as a
 *   dead letter, even if a process is killed.
 * - `failed` does not mean that the message is lost: it may still arrive. Publishing it again under its id is safe.
 * - The outcomes are in the order of the messages. Order between messages is not promised.
 * - Time (5 s) and messages in flight are bounded. When nothing was stored, it throws `QueueFull` if the queue has no
 *   room, and another `Unavailable` if it is away.
 */
export abstract class AlertIntake {
  abstract publish(messages: readonly ValidMessage[], context?: PublishContext): Promise<PublishOutcome[]>;
}
