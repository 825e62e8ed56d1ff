import type { TenantId } from '../tenant';

/** Who has seen it: a user's name means the same person only within one issuer. */
export interface Reader {
  user_id: string;
  /** Who made the user's token; empty where only one issuer is accepted, or none is named. */
  issuer: string;
}

/** Up to where a user has seen a tenant's log. */
export interface SeenPosition {
  tenant_id: TenantId;
  epoch: string;
  seq: number;
}

/**
 * How far each user has seen each tenant's log, so that a phone and a laptop agree on what is new.
 *
 * - Two issuers' users with one name have positions of their own.
 * - A position only moves forward: of two devices, the one that has seen more decides, in whichever order they say so.
 * - It is one of the tenant's present history and never beyond its newest entry. A position of another history is passed
 *   over; one that was kept from a history that was replaced is not told, and gives way to the first of the present one.
 * - Throws `Unavailable` when the store is away or too slow.
 */
export abstract class SeenPositions {
  /** The reader's positions in these tenants, in their order. A tenant of which nothing was seen is left out. */
  abstract of(reader: Reader, tenants: readonly TenantId[]): Promise<SeenPosition[]>;
  /** Moves the reader's positions forward, each tenant named once. Tells nothing: ask for what stands now. */
  abstract advance(reader: Reader, positions: readonly SeenPosition[]): Promise<void>;
}
