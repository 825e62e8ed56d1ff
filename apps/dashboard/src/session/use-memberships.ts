import { useQuery } from '@tanstack/react-query';
import { ApiProblem, useAlertsApi } from '@tocsin/react-client';
import type { TenantsPage } from '@tocsin/contracts/wire';

/** How soon the question is asked again after a failure that passes, in milliseconds. */
const ASK_AGAIN_MS = 5_000;

/**
 * The user's tenants with the user's role in each. Undefined until they are known; then they are not asked for again.
 */
export function useMemberships(matters: boolean): TenantsPage['tenants'] | undefined {
  const api = useAlertsApi();
  const { data } = useQuery({
    queryKey: ['tenants'],
    queryFn: ({ signal }) => api.tenants(signal).then(({ tenants }) => tenants),
    enabled: matters,
    staleTime: Infinity,
    // without an answer the page would not know what the user may do until it is loaded again
    refetchInterval: ({ state: { data, error } }) =>
      data === undefined && error !== null && !(error instanceof ApiProblem && !error.passes) ? ASK_AGAIN_MS : false,
    networkMode: 'always',
  });
  return data;
}
