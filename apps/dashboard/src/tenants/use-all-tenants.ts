import { useMemo } from 'react';
import { useMemberships } from '../session/use-memberships';
import type { NamedTenant } from './tenant-order';

/** All tenants of the user: the stream's, or with more than one stream covers, those that the server lists. */
export function useAllTenants(followed: readonly NamedTenant[], isPart: boolean): readonly NamedTenant[] {
  const memberships = useMemberships(isPart);
  return useMemo(
    () =>
      isPart && memberships
        ? memberships.map(({ tenant_id, name }) => ({ tenant_id, name: name || tenant_id }))
        : followed,
    [isPart, memberships, followed],
  );
}
