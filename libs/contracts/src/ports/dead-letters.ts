import type { TenantId } from '../tenant';

export const DEAD_LETTER_STATUSES = ['open', 'redriven', 'discarded'] as const;
export type DeadLetterStatus = (typeof DEAD_LETTER_STATUSES)[number];

/** A dead letter on record, without its body. Times are ISO 8601, UTC, milliseconds. */
export interface BuriedLetter {
  dead_letter_id: number;
  /** Null when the message did not say, or not validly. */
  tenant_id: TenantId | null;
  /** Why it is dead: a `MessageErrorCode`, or what the queue says of a message that it gave up. */
  reason: string;
  detail: string;
  routing_key: string | null;
  message_id: string | null;
  /** The AMQP timestamp, in epoch seconds. */
  message_timestamp: number | null;
  /** How the body is compressed: an AMQP property. Null: not, or nobody said so. */
  content_encoding: string | null;
  /** The headers that say what the message is: the attributes of a CloudEvent in binary mode, the trace. */
  headers: Readonly<Record<string, unknown>> | null;
  /** How much of the body is kept. */
  body_bytes: number;
  /** The message was longer than what is kept: it cannot be redriven. */
  truncated: boolean;
  buried_at: string;
  status: DeadLetterStatus;
  /** When, who and why; null while it is open. `note` is null for a redrive. */
  decided_at: string | null;
  decided_by: string | null;
  note: string | null;
}

/** The same with the message as it came. */
export interface WholeLetter extends BuriedLetter {
  body: Buffer;
}

/**
 * Which letters whoever asks may reach: those of their tenants, or as an operator all of them, also those without a tenant.
 * `allBut` is an operator from whose token these tenants were revoked.
 */
export type DeadLetterReach = readonly TenantId[] | 'all' | { allBut: readonly TenantId[] };

/** Which letters are meant. Null means any. */
export interface DeadLetterFilter {
  tenant_id: TenantId | null;
  reason: string | null;
}

export interface DeadLetterQuery extends DeadLetterFilter {
  status: DeadLetterStatus | null;
  /** Only letters with a higher number. Null: from the oldest one on. */
  behind: number | null;
  limit: number;
}

/** A set of open letters that is worked off in several calls. */
export interface OpenLetters extends DeadLetterFilter {
  /** Only letters up to this number: what dies again while they are redriven is not among them. Null: all there are now. */
  up_to: number | null;
  /** Only letters whose body is whole. */
  whole: boolean;
}

export interface DeadLetterDecision {
  status: Exclude<DeadLetterStatus, 'open'>;
  by: string;
  note: string | null;
}

/** How many letters of one reason are open, and since when the oldest of them is. */
export interface DeadLetterDepth {
  reason: string;
  letters: number;
  oldest: string;
}

/**
 * The messages that were refused for their own fault, until somebody decides what becomes of each.
 *
 * - Whoever asks reaches the letters within `reach` and no others, whatever the filter says; letters without a tenant are
 *   within an operator's reach alone. Oldest first, by their numbers.
 * - A decision is made once: of two at the same time one is made. The row of a decided letter is kept for 30 days.
 * - Every method throws `Unavailable` when the store is away or too slow.
 */
export abstract class DeadLetters {
  abstract list(reach: DeadLetterReach, query: DeadLetterQuery): Promise<BuriedLetter[]>;
  /** Undefined when there is none of that number within reach. */
  abstract find(reach: DeadLetterReach, deadLetterId: number): Promise<WholeLetter | undefined>;
  /** The oldest of a set, at most `limit`, with their bodies. */
  abstract oldest(reach: DeadLetterReach, letters: OpenLetters, limit: number): Promise<WholeLetter[]>;
  /** How many a set holds, and the number of its newest; null when it is empty. */
  abstract count(reach: DeadLetterReach, letters: OpenLetters): Promise<{ letters: number; newest: number | null }>;
  /** Decides those of them that are open. The numbers of those that were. */
  abstract decide(
    reach: DeadLetterReach,
    deadLetterIds: readonly number[],
    decision: DeadLetterDecision,
  ): Promise<number[]>;
  /** The open letters of all tenants, by reason. */
  abstract depth(): Promise<DeadLetterDepth[]>;
}
