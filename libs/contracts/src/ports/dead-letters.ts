import type { TenantId } from '../tenant';
import type { DeadLetterOrder, DeadLetterStatus, RefusedMessage } from '../wire';

/** A recorded dead letter without its body, as the REST API shows it. */
export interface BuriedLetter extends RefusedMessage {
  tenant_id: TenantId | null;
}

/** A dead letter with the message as it was received. */
export interface WholeLetter extends BuriedLetter {
  body: Buffer;
}

/**
 * Which letters the caller may reach: those of the caller's tenants, or as an operator all of them, also those without
 * a tenant. `allBut` is an operator for whose token these tenants were revoked.
 */
export type DeadLetterReach = readonly TenantId[] | 'all' | { allBut: readonly TenantId[] };

/** Selects letters. Null admits any. */
export interface DeadLetterFilter {
  tenant_id: TenantId | null;
  reason: string | null;
}

export interface DeadLetterQuery extends DeadLetterFilter {
  status: DeadLetterStatus | null;
  /** Default `oldest`. */
  order?: DeadLetterOrder;
  /** Only letters behind this number in the order. Null: from its beginning. */
  behind: number | null;
  limit: number;
}

/** A set of open letters that is processed in several calls. */
export interface OpenLetters extends DeadLetterFilter {
  /**
   * Only letters up to this number, so that messages that fail again during a redrive are not included. Null: all
   * letters that exist now.
   */
  up_to: number | null;
  /** Only letters whose body is complete. */
  whole: boolean;
}

export interface DeadLetterDecision {
  status: Exclude<DeadLetterStatus, 'open'>;
  by: string;
  note: string | null;
}

/** How many letters of one reason are open, and since when the oldest one is. */
export interface DeadLetterDepth {
  reason: string;
  letters: number;
  oldest: string;
}

/**
 * The messages that were refused because of their own content, until a user decides about each.
 *
 * - The caller reaches the letters within `reach` and no others, for any filter. Only operators reach letters
 *   without a tenant. The oldest come first, by their numbers, unless a query asks for the newest.
 * - A decision is made once: of two at the same time only one is made. The row of a decided letter is kept for 30 days.
 * - Every method throws `Unavailable` when the store is away or too slow.
 */
export abstract class DeadLetters {
  abstract list(reach: DeadLetterReach, query: DeadLetterQuery): Promise<BuriedLetter[]>;
  /** Undefined when there is no letter with this number within reach. */
  abstract find(reach: DeadLetterReach, deadLetterId: number): Promise<WholeLetter | undefined>;
  /** The oldest letters of a set, at most `limit`, with their bodies. */
  abstract oldest(reach: DeadLetterReach, letters: OpenLetters, limit: number): Promise<WholeLetter[]>;
  /** The number of letters in a set, and the number of the newest one; null when the set is empty. */
  abstract count(reach: DeadLetterReach, letters: OpenLetters): Promise<{ letters: number; newest: number | null }>;
  /** Decides the letters that are still open, and returns their numbers. */
  abstract decide(
    reach: DeadLetterReach,
    deadLetterIds: readonly number[],
    decision: DeadLetterDecision,
  ): Promise<number[]>;
  /** The open letters of all tenants, by reason. */
  abstract depth(): Promise<DeadLetterDepth[]>;
}
