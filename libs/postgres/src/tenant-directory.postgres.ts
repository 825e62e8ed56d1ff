import type { Membership } from '@tocsin/contracts';
import type { TenantDirectory, User } from '@tocsin/contracts/ports';
import type { Database } from './database';
import { TenantMembership } from './tenant-membership';

/** What the port allows for an answer. */
const ANSWER_WITHIN_MS = 600;

/** The table `tenant_membership`: who may see which tenant, where no tenant service says so. */
export class PostgresTenantDirectory implements TenantDirectory {
  constructor(private readonly database: Database) {}

  async tenantsOf({ user_id }: Pick<User, 'user_id'>): Promise<readonly Membership[]> {
    return this.database.call<Membership>('select * from tocsin.tenants_of($1)', [user_id], {
      withinMs: ANSWER_WITHIN_MS,
    });
  }

  /**
   * Lets a user see these tenants too, under these names and roles. Leaves a membership as it is that the user has already:
   * somebody may have edited it since. Needs the standalone's role.
   */
  async introduce(user_id: string, memberships: readonly Membership[]): Promise<void> {
    const rows = memberships.map((membership) => ({ user_id, ...membership }));
    await this.database.as(
      rows.map(({ tenant_id }) => tenant_id),
      (manager) => manager.createQueryBuilder().insert().into(TenantMembership).values(rows).orIgnore().execute(),
    );
  }
}
