import type { Membership } from '@tocsin/contracts';
import type { TenantDirectory, User } from '@tocsin/contracts/ports';
import type { Database } from './database';

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

  /** Lets a user see these tenants too, under these names and roles. Needs the standalone's role. */
  async grant(user_id: string, memberships: readonly Membership[]): Promise<void> {
    await this.database.as(
      memberships.map(({ tenant_id }) => tenant_id),
      async (manager) => {
        for (const { tenant_id, name, role } of memberships) {
          await manager.query(
            `insert into tocsin.tenant_membership (user_id, tenant_id, name, role) values ($1, $2, $3, $4)
           on conflict (user_id, tenant_id) do update set name = excluded.name, role = excluded.role`,
            [user_id, tenant_id, name, role],
          );
        }
      },
    );
  }
}
