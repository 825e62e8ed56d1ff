import { Refused, type Membership, type TenantId } from '@tocsin/contracts';
import type { Memberships, Revocations, VerifiedToken } from '@tocsin/auth';

/** The most tenants that one stream or one list is of: its cursor names each of them, and must fit into a header. */
export const MAX_TENANTS = 32;

/** Which tenants whoever asks may see: those of the user, without those that were taken from the token. */
export class VisibleTenants {
  constructor(
    private readonly memberships: Pick<Memberships, 'tenantsOf'>,
    private readonly revocations: Pick<Revocations, 'tenantsRevoked'>,
  ) {}

  /** All of them, in a stable order. Throws `Refused` (`no_tenant`) when there is none, `Unavailable` when nobody can say. */
  async of(right: VerifiedToken): Promise<readonly Membership[]> {
    const revoked = this.revocations.tenantsRevoked(right);
    const mine = (await this.memberships.tenantsOf(right)).filter(({ tenant_id }) => !revoked.has(tenant_id));
    if (mine.length === 0) throw new Refused('no_tenant', 'The user belongs to no tenant.');
    return mine;
  }
}

/**
 * Of a user's tenants those that are asked for; null asks for all. A tenant that is not theirs is as unknown as one that is not
 * there. Throws `Refused` with `tenant_forbidden` or `too_many_tenants`.
 */
export function tenantsAskedFor<Tenant extends { tenant_id: TenantId }>(mine: readonly Tenant[], wanted: readonly string[] | null): readonly Tenant[] {
  const tenants = wanted ? mine.filter(({ tenant_id }) => wanted.includes(tenant_id)) : mine;
  if (wanted && tenants.length < new Set(wanted).size) throw new Refused('tenant_forbidden', 'Not a tenant of this user.');
  if (tenants.length > MAX_TENANTS) throw new Refused('too_many_tenants', `At most ${MAX_TENANTS} tenants can be followed at once. Name them with ?tenant=.`);
  return tenants;
}
