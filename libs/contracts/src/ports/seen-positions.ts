import type { TenantId } from '../tenant';

/** Up to where a user has seen a tenant's log. */
export interface SeenPosition {
  tenant_id: TenantId;
  epoch: string;
  seq: number;
}

/**
 * How far each user has seen each tenant's log, so that a phone and a laptop agree on what is new.
 *
 * - A position only moves forward: of two devices, the one that has seen more decides, in whichever order they say so.
 * - It is one of the tenant's present history and never beyond its newest entry. A position of another history is passed
 *   over; one that was kept from a history that was replaced is not told, and gives way to the first of the present one.
 * - Throws `Unavailable` when the store is away or too slow.
 */
export abstract class SeenPositions {
  /** The user's positions in these tenants, in their order. A tenant of which nothing was seen is left out. */
  abstract of(userId: string, tenants: readonly TenantId[]): Promise<SeenPosition[]>;
  /** Moves the user's positions forward, each tenant named once. Tells nothing: ask for what stands now. */
  abstract advance(userId: string, positions: readonly SeenPosition[]): Promise<void>;
}
