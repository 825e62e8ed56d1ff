import type { Membership } from '@tocsin/contracts';
import { TenantDirectory, type User } from '@tocsin/contracts/ports';
import { readMemberships } from './read-memberships';

/** The tenants that the user's token names itself. Asks nobody, so there is nothing to cache and nothing to be away. */
export class ClaimTenantDirectory extends TenantDirectory {
  constructor(private readonly claim: string) {
    super();
  }

  /** None for a token without the claim, or with something else in it than a list. */
  async tenantsOf(user: User): Promise<readonly Membership[]> {
    return readMemberships(user.claims[this.claim]) ?? [];
  }
}
