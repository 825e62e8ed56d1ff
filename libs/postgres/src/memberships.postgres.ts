import type { Membership, TenantId } from '@tocsin/contracts';
import type { Database } from './database';
import { TenantMembership } from './tenant-membership';

/** A membership with its user. */
export interface Member extends Membership {
  user_id: string;
}

/**
 * Reads and edits the table `tenant_membership`, one row at a time, for operators. Needs the role `tocsin_standalone`.
 * A gateway knows of a change within 60 s.
 */
export class PostgresMemberships {
  constructor(private readonly database: Database) {}

  /** The members of a tenant, by user. */
  of(tenant: TenantId): Promise<Member[]> {
    return this.database.as([tenant], async (manager) => {
      const rows = await manager.getRepository(TenantMembership).find({ order: { user_id: 'ASC' } });
      return rows.map(({ user_id, name, role }) => ({ user_id, tenant_id: tenant, name, role }));
    });
  }

  /** Adds a member, or gives the member this name of the tenant and this role. */
  async put(member: Member): Promise<void> {
    await this.database.as([member.tenant_id], (manager) =>
      manager.getRepository(TenantMembership).upsert({ ...member }, ['user_id', 'tenant_id']),
    );
  }

  /** Removes a member, and says whether there was one. */
  remove({ user_id, tenant_id }: Pick<Member, 'user_id' | 'tenant_id'>): Promise<boolean> {
    return this.database.as([tenant_id], async (manager) => {
      const { affected } = await manager.getRepository(TenantMembership).delete({ user_id, tenant_id });
      return affected === 1;
    });
  }
}
