import type { ValidMessage } from '../valid-message';

/** What became of one published message. */
export type PublishOutcome = { id: string; outcome: 'confirmed' } | { id: string; outcome: 'failed'; reason: string };

export interface PublishContext {
  /** The W3C trace context of whoever publishes: it goes with every message, and its trace id into the entry. */
  traceparent?: string;
}

/**
 * The way in for alerts: hands valid messages to the queue.
 *
 * - A message is `confirmed` once the queue has it durably: from then on it is stored exactly once, or on record as a
 *   dead letter, whatever process is killed.
 * - `failed` says nothing about the message's fate: it may still arrive. Publishing it again under its id is safe.
 * - The outcomes stand in the order of the messages. Order between messages is not promised.
 * - Bounded in time (5 s) and in flight. Throws `Unavailable` when the queue is away, blocked or full and nothing was sent.
 */
export abstract class AlertIntake {
  abstract publish(messages: readonly ValidMessage[], context?: PublishContext): Promise<PublishOutcome[]>;
}
