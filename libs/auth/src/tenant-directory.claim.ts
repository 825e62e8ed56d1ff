import type { Membership } from '@tocsin/contracts';
import { TenantDirectory, type User } from '@tocsin/contracts/ports';
import { readMemberships } from './read-memberships';

/**
 * The tenants that a token's claim names. Reading and publishing both use this function. Undefined for a token without
 * the claim. A claim that is not a list (a string, an object, null) names no tenants.
 */
export function namedTenants(claims: User['claims'], claim: string): readonly Membership[] | undefined {
  return Object.hasOwn(claims, claim) ? (readMemberships(claims[claim]) ?? []) : undefined;
}

/**
 * The tenants that the user's token names itself. It makes no lookup, so there is nothing to cache and nothing can be
 * away.
 */
export class ClaimTenantDirectory extends TenantDirectory {
  constructor(private readonly claim: string) {
    super();
  }

  /** No tenants for a token without the claim, or whose claim is not a list. */
  async tenantsOf(user: User): Promise<readonly Membership[]> {
    return namedTenants(user.claims, this.claim) ?? [];
  }
}
