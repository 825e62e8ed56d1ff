import { Refused, type Membership, type TenantId } from '@tocsin/contracts';
import { Memberships, namedTenants, Revocations, type MembershipsRequest, type VerifiedToken } from '@tocsin/auth';

/** The most tenants that one stream or one list is of: its cursor names each of them, and must fit into a header. */
export const MAX_TENANTS = 32;

/** The role that reads. Every other acts. */
const VIEWER = 'viewer';

/**
 * The one door to the tenants that a token opens: those of its user, less those that were revoked from it. Whatever shows,
 * changes, streams or publishes something of a tenant asks here, so that what is revoked is revoked everywhere; lint
 * refuses a second importer of `Memberships`.
 */
export class VisibleTenants {
  constructor(
    private readonly memberships: Pick<Memberships, 'tenantsOf' | 'forget'>,
    private readonly revocations: Pick<Revocations, 'tenantsRevoked'>,
    /** The claim that names a token's tenants, where one is configured. */
    private readonly tenantsClaim: string | undefined,
  ) {}

  /** All of them, in a stable order. Throws `Refused` (`no_tenant`) when there is none, `Unavailable` when nobody can say. */
  async of(right: VerifiedToken): Promise<readonly Membership[]> {
    const mine = await this.now(right);
    if (mine.length === 0) throw new Refused('no_tenant', 'The user belongs to no tenant.');
    return mine;
  }

  /** The same where none is an answer as well: a stream that is open loses them one by one. Throws `Unavailable`. */
  async now(right: VerifiedToken, request: MembershipsRequest = {}): Promise<readonly Membership[]> {
    const mine = await this.memberships.tenantsOf(right, request);
    // read after the answer has come: a revocation may have overtaken it
    const revoked = this.revokedFrom(right);
    return revoked.size === 0 ? mine : mine.filter(({ tenant_id }) => !revoked.has(tenant_id));
  }

  /** What was taken from the token, for those whose scope reaches further than their memberships. */
  revokedFrom(right: VerifiedToken): ReadonlySet<TenantId> {
    return this.revocations.tenantsRevoked(right);
  }

  /**
   * Which tenants the token publishes for. A token without the claim is a service's that publishes for any; one that has it
   * publishes for those that it lists, and what is no list names none. A revoked tenant is out of reach for both.
   */
  publisher(right: VerifiedToken): (tenant: TenantId) => boolean {
    const named = this.tenantsClaim === undefined ? undefined : namedTenants(right.claims, this.tenantsClaim);
    const listed = named && new Set(named.map(({ tenant_id }) => tenant_id));
    const revoked = this.revokedFrom(right);
    return (tenant) => !revoked.has(tenant) && (listed === undefined || listed.has(tenant));
  }

  /** Something changed for the users of this name: the next question is asked anew. */
  forget(userId: string): void {
    this.memberships.forget(userId);
  }
}

/** The door as a module lists it. */
export const provideVisibleTenants = (tenantsClaim: string | undefined) => ({
  provide: VisibleTenants,
  useFactory: (memberships: Memberships, revocations: Revocations) =>
    new VisibleTenants(memberships, revocations, tenantsClaim),
  inject: [Memberships, Revocations],
});

/** Whether a membership is for more than reading. */
export const mayAct = ({ role }: Membership): boolean => role.toLowerCase() !== VIEWER;

/**
 * Of a user's tenants those that are asked for; null asks for all. A tenant that is not theirs is as unknown as one that is not
 * there. Throws `Refused` with `tenant_forbidden` or `too_many_tenants`.
 */
export function tenantsAskedFor<Tenant extends { tenant_id: TenantId }>(
  mine: readonly Tenant[],
  wanted: readonly string[] | null,
): readonly Tenant[] {
  const tenants = wanted ? mine.filter(({ tenant_id }) => wanted.includes(tenant_id)) : mine;
  if (wanted && tenants.length < new Set(wanted).size)
    throw new Refused('tenant_forbidden', 'Not a tenant of this user.');
  if (tenants.length > MAX_TENANTS)
    throw new Refused(
      'too_many_tenants',
      `At most ${MAX_TENANTS} tenants can be followed at once. Name them with ?tenant=.`,
    );
  return tenants;
}
