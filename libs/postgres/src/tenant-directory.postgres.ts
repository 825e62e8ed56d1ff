import type { Membership } from '@tocsin/contracts';
import type { TenantDirectory, User } from '@tocsin/contracts/ports';
import type { Database } from './database';
import { TenantMembership } from './tenant-membership';

/** The time that the port allows, in milliseconds. */
const ANSWER_WITHIN_MS = 600;

/**
 * Memberships from the table `tenant_membership`, for systems without a tenant service. It answers within
 * `answerWithinMs` milliseconds (default 600, as the port asks) or throws `Unavailable`.
 */
export class PostgresTenantDirectory implements TenantDirectory {
  constructor(
    private readonly database: Database,
    private readonly answerWithinMs = ANSWER_WITHIN_MS,
  ) {}

  async tenantsOf({ user_id }: Pick<User, 'user_id'>): Promise<readonly Membership[]> {
    return this.database.call<Membership>('select * from tocsin.tenants_of($1)', [user_id], {
      withinMs: this.answerWithinMs,
    });
  }

  /**
   * Gives a user memberships of these tenants, with these names and roles. A membership that the user has already stays
   * as it is, because an operator may have edited it. Needs the role `tocsin_standalone`.
   */
  async introduce(user_id: string, memberships: readonly Membership[]): Promise<void> {
    const rows = memberships.map((membership) => ({ user_id, ...membership }));
    await this.database.as(
      rows.map(({ tenant_id }) => tenant_id),
      (manager) => manager.createQueryBuilder().insert().into(TenantMembership).values(rows).orIgnore().execute(),
    );
  }
}
