import { useQuery } from '@tanstack/react-query';
import { useAlertsApi } from '@tocsin/react-client';
import type { TenantsPage } from '@tocsin/contracts/wire';

/** The user's tenants with the user's role in each, asked for once; undefined until they are known. */
export function useMemberships(matters: boolean): TenantsPage['tenants'] | undefined {
  const api = useAlertsApi();
  const { data } = useQuery({
    queryKey: ['tenants'],
    queryFn: ({ signal }) => api.tenants(signal).then(({ tenants }) => tenants),
    enabled: matters,
    staleTime: Infinity,
  });
  return data;
}
