import type { Membership } from '@tocsin/contracts';
import { TenantDirectory, type User } from '@tocsin/contracts/ports';
import { readMemberships } from './read-memberships';

/**
 * The tenants that a token's claim names: the one reader of it, for reading and for publishing. Undefined for a token without
 * the claim. A claim that is there and is no list (a string, an object, null) names none.
 */
export function namedTenants(claims: User['claims'], claim: string): readonly Membership[] | undefined {
  return Object.hasOwn(claims, claim) ? (readMemberships(claims[claim]) ?? []) : undefined;
}

/** The tenants that the user's token names itself. Asks nobody, so there is nothing to cache and nothing to be away. */
export class ClaimTenantDirectory extends TenantDirectory {
  constructor(private readonly claim: string) {
    super();
  }

  /** None for a token without the claim, or with something else in it than a list. */
  async tenantsOf(user: User): Promise<readonly Membership[]> {
    return namedTenants(user.claims, this.claim) ?? [];
  }
}
