export const DEAD_LETTER_STATUSES = ['open', 'redriven', 'discarded'] as const;
export type DeadLetterStatus = (typeof DEAD_LETTER_STATUSES)[number];

/** The oldest or the newest first, by number. */
export const DEAD_LETTER_ORDERS = ['oldest', 'newest'] as const;
export type DeadLetterOrder = (typeof DEAD_LETTER_ORDERS)[number];

/**
 * A dead letter: a message that was refused because of its content, without its body. Times are ISO 8601, UTC,
 * milliseconds.
 */
export interface RefusedMessage {
  dead_letter_id: number;
  /** Null when the message had no valid tenant. */
  tenant_id: string | null;
  /** Why it is a dead letter: a `MessageErrorCode`, or the queue's reason for a message that it gave up. */
  reason: string;
  detail: string;
  routing_key: string | null;
  message_id: string | null;
  /** The AMQP timestamp, in epoch seconds. */
  message_timestamp: number | null;
  /** How the body is compressed: an AMQP property. Null: not compressed, or not declared. */
  content_encoding: string | null;
  /** The headers that describe the message: the attributes of a CloudEvent in binary mode, the trace. */
  headers: Readonly<Record<string, unknown>> | null;
  /** How many bytes of the body are kept. */
  body_bytes: number;
  /** The message was longer than what is kept, so it cannot be redriven. */
  truncated: boolean;
  buried_at: string;
  status: DeadLetterStatus;
  /** The time, the user and the reason of the decision; null while the letter is open. `note` is null for a redrive. */
  decided_at: string | null;
  decided_by: string | null;
  note: string | null;
}

/** A refused message with its body: as text when it is valid UTF-8, and in base64 otherwise. */
export interface RefusedMessageWithBody extends RefusedMessage {
  body: string;
  body_encoding: 'utf8' | 'base64';
}

/** A page of dead letters. `cursor` asks for the next one; null: there is none. */
export interface DeadLetterPage {
  items: RefusedMessage[];
  cursor: string | null;
}

/** How many dead letters within the caller's reach are open, and the newest of them; null when there is none. */
export interface DeadLetterSummary {
  open: number;
  newest: Pick<RefusedMessage, 'dead_letter_id' | 'tenant_id' | 'reason' | 'buried_at'> | null;
}
