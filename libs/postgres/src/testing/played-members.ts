import type { TenantId } from '@tocsin/contracts';
import type { DatabaseConnection } from '../connection';
import { asOwner } from './as-owner';

/** The list of members, and the ages of push subscriptions and revocations, as the tables' owner changes them. */
export const playedMembers = (connection: () => DatabaseConnection) => ({
  members: {
    put: async (user: string, tenant: TenantId): Promise<void> => {
      await asOwner(
        connection(),
        `insert into tocsin.tenant_membership (user_id, tenant_id, name, role) values ($1, $2, $2, 'member')`,
        [user, tenant],
      );
    },
    remove: async (user: string, tenant: TenantId): Promise<void> => {
      await asOwner(connection(), 'delete from tocsin.tenant_membership where user_id = $1 and tenant_id = $2', [
        user,
        tenant,
      ]);
    },
  },
  age: async (endpoint: string, days: number): Promise<void> => {
    await asOwner(
      connection(),
      'update tocsin.push_subscription set renewed_at = renewed_at - make_interval(days => $2) where endpoint = $1',
      [endpoint, days],
    );
  },
  ageRevocations: async (user: string, days: number): Promise<void> => {
    await asOwner(
      connection(),
      'update tocsin.revocation set created_at = created_at - make_interval(days => $2) where user_id = $1',
      [user, days],
    );
  },
});
