import { addressForReaders, Refused, type Membership, type TenantId } from '@tocsin/contracts';
import { Memberships, namedTenants, Revocations, type MembershipsRequest, type VerifiedToken } from '@tocsin/auth';

/** The most tenants that one stream or one list covers. Its cursor names each of them and must fit into a header. */
export const MAX_TENANTS = 32;

/** The role that may only read. Every other role may also act. */
const VIEWER = 'viewer';

/**
 * The only way to learn which tenants a token gives access to: those of its user, without those revoked from it. All
 * code that shows, changes, streams or publishes a tenant's data asks this class, so that a revocation takes effect
 * everywhere. Lint refuses a second importer of `Memberships`.
 */
export class VisibleTenants {
  constructor(
    private readonly memberships: Pick<Memberships, 'tenantsOf' | 'forget'>,
    private readonly revocations: Pick<Revocations, 'tenantsRevoked'>,
    /** The claim that lists a token's tenants; undefined when none is configured. */
    private readonly tenantsClaim: string | undefined,
  ) {}

  /**
   * All tenants of the user, in a stable order. `request`: of a caller that goes on with the answer, as a stream does.
   * Throws `Refused` (`no_tenant`) when there is none, and `Unavailable` when the tenant service does not answer.
   */
  async of(right: VerifiedToken, request: MembershipsRequest = {}): Promise<readonly Membership[]> {
    const mine = await this.now(right, request);
    if (mine.length === 0) throw new Refused('no_tenant', 'The user belongs to no tenant.');
    return mine;
  }

  /**
   * The same as `of`, but an empty list is a valid result: an open stream loses its tenants one by one. Throws
   * `Unavailable`.
   */
  async now(right: VerifiedToken, request: MembershipsRequest = {}): Promise<readonly Membership[]> {
    const mine = await this.memberships.tenantsOf(right, request);
    // Read revocations after the directory has answered: one may have arrived while it was asked.
    const revoked = this.revokedFrom(right);
    return revoked.size === 0 ? mine : mine.filter(({ tenant_id }) => !revoked.has(tenant_id));
  }

  /**
   * The user's membership in the tenant, for what may be read there. Throws `Refused` (`tenant_forbidden`) when there
   * is none; `pointer` is the place of the tenant in the body, if it was named there. Also throws as `of` does.
   */
  async in(right: VerifiedToken, tenant: string, pointer?: string): Promise<Membership> {
    const membership = (await this.of(right)).find(({ tenant_id }) => tenant_id === tenant);
    if (!membership) throw tenantForbidden(pointer);
    return membership;
  }

  /** The same as `in`, for what needs a role that may act. Throws `Refused` (`role_forbidden`) for a viewer. */
  async actingIn(right: VerifiedToken, tenant: string, pointer?: string): Promise<Membership> {
    const membership = await this.in(right, tenant, pointer);
    if (!mayAct(membership)) throw roleForbidden();
    return membership;
  }

  /**
   * The tenants in which the user may act, for an act on a thing whose tenant the request does not name. `isIn` tells
   * whether the thing belongs to one of these tenants; it is asked only about tenants in which the user may only read.
   * Throws `Refused` (`role_forbidden`) when it does. Otherwise the caller looks for the thing in the result, which may
   * be empty. Also throws as `of` does.
   */
  async actingOn(
    right: VerifiedToken,
    isIn: (viewed: readonly TenantId[]) => Promise<boolean>,
  ): Promise<readonly TenantId[]> {
    const mine = await this.of(right);
    const viewed = idsOf(mine.filter((membership) => !mayAct(membership)));
    if (viewed.length > 0 && (await isIn(viewed))) throw roleForbidden();
    return idsOf(mine.filter(mayAct));
  }

  /**
   * Returns how an address in one of the user's tenants is shown with this token: whole where the token may act. Throws
   * as `of` does.
   */
  async addressesShownTo(right: VerifiedToken): Promise<(tenant: string, address: string) => string> {
    const acting = right.scopes.has('alerts:write') ? (await this.of(right)).filter(mayAct) : [];
    const whole = new Set<string>(idsOf(acting));
    return (tenant, address) => (whole.has(tenant) ? address : addressForReaders(address));
  }

  /** The tenants revoked from the token, for callers whose scope reaches beyond the user's memberships. */
  revokedFrom(right: VerifiedToken): ReadonlySet<TenantId> {
    return this.revocations.tenantsRevoked(right);
  }

  /**
   * Tells for which tenants the token may publish. A token without the claim belongs to a service that publishes for
   * any tenant. A token with the claim publishes for the tenants that it lists; a claim that is not a list allows none.
   * A revoked tenant is excluded in both cases.
   */
  publisher(right: VerifiedToken): (tenant: TenantId) => boolean {
    const named = this.tenantsClaim === undefined ? undefined : namedTenants(right.claims, this.tenantsClaim);
    const listed = named && new Set(named.map(({ tenant_id }) => tenant_id));
    const revoked = this.revokedFrom(right);
    return (tenant) => !revoked.has(tenant) && (listed === undefined || listed.has(tenant));
  }

  /** Drops the cached memberships of all users with this name, so that the next call asks the directory again. */
  forget(userId: string): void {
    this.memberships.forget(userId);
  }
}

/** The Nest provider of `VisibleTenants`. */
export const provideVisibleTenants = (tenantsClaim: string | undefined) => ({
  provide: VisibleTenants,
  useFactory: (memberships: Memberships, revocations: Revocations) =>
    new VisibleTenants(memberships, revocations, tenantsClaim),
  inject: [Memberships, Revocations],
});

/** The ids of tenants or memberships, in their order. */
export const idsOf = (tenants: readonly { tenant_id: TenantId }[]): TenantId[] =>
  tenants.map(({ tenant_id }) => tenant_id);

/**
 * The refusal of a tenant that is not the user's. `pointer` is its place in the body, if it was named there. The answer
 * is the same for a tenant that does not exist.
 */
export function tenantForbidden(pointer?: string): Refused {
  const [code, detail] = ['tenant_forbidden', 'This is not a tenant of the user.'] as const;
  return new Refused(code, detail, pointer === undefined ? {} : { errors: [{ pointer, code, detail }] });
}

/** The explanation of `role_forbidden`, for outcomes that are not thrown. */
export const ROLE_FORBIDDEN = 'The role of the user in this tenant allows only reading.';

/** The refusal of an act in a tenant where the user may only read. */
export const roleForbidden = (): Refused => new Refused('role_forbidden', ROLE_FORBIDDEN);

/** Whether a membership allows more than reading. */
export const mayAct = ({ role }: Membership): boolean => role.toLowerCase() !== VIEWER;

/**
 * Returns the tenants of the user that the request names; null selects all. A tenant of other users is refused like one
 * that does not exist. Throws `Refused` with `tenant_forbidden` or `too_many_tenants`.
 */
export function tenantsAskedFor<Tenant extends { tenant_id: TenantId }>(
  mine: readonly Tenant[],
  wanted: readonly string[] | null,
  excluded: readonly string[] = [],
): readonly Tenant[] {
  const named = wanted ? mine.filter(({ tenant_id }) => wanted.includes(tenant_id)) : mine;
  if (wanted && named.length < new Set(wanted).size) throw tenantForbidden();
  const tenants = named.filter(({ tenant_id }) => !excluded.includes(tenant_id));
  if (tenants.length > MAX_TENANTS)
    throw new Refused(
      'too_many_tenants',
      `At most ${MAX_TENANTS} tenants can be followed at once. Name them with ?tenant=.`,
    );
  return tenants;
}
