import type { TenantId } from '../tenant';

/** The user of a position. A user's name identifies a person only within one issuer. */
export interface Reader {
  user_id: string;
  /** The issuer of the user's token; empty where only one issuer is accepted, or none is named. */
  issuer: string;
}

/** The position up to which a user has seen a tenant's log. */
export interface SeenPosition {
  tenant_id: TenantId;
  epoch: string;
  seq: number;
}

/**
 * How far each user has seen each tenant's log, so that a phone and a laptop agree on what is new.
 *
 * - Two issuers' users with one name have separate positions.
 * - A position only moves forward: of two devices the one that has seen more decides, in whichever order they report.
 * - A position belongs to the tenant's present history and is never beyond its newest entry. A position of another
 *   history is ignored. A stored position of a replaced history is not returned, and the first position of the present
 *   history replaces it.
 * - Throws `Unavailable` when the store is away or too slow.
 */
export abstract class SeenPositions {
  /** The reader's positions in these tenants, in the order of `tenants`. A tenant without a position is left out. */
  abstract of(reader: Reader, tenants: readonly TenantId[]): Promise<SeenPosition[]>;
  /**
   * Moves the reader's positions forward, each tenant at most once. Returns nothing: call `of` for the present
   * positions.
   */
  abstract advance(reader: Reader, positions: readonly SeenPosition[]): Promise<void>;
}
