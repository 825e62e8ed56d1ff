import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useAlertsApi } from '@tocsin/react-client';
import { useRefreshAfterEntries } from '../live/use-numbers';
import { inRequests } from './scope';
import type { CountedTenant, TenantNumbers } from './tenant-order';

/** Tenants that the stream does not follow bring no entries, so all are counted anew this often. */
const ANEW_MS = 15_000;
const KEY = 'tenant-numbers';

/** When the first bucket of the charts begins, and the numbers of each tenant that is counted already. */
export function useTenantNumbers(tenants: readonly string[]): TenantNumbers {
  const api = useAlertsApi();
  useRefreshAfterEntries(KEY);
  const answers = useQueries({
    queries: inRequests(tenants).map((tenant) => ({
      queryKey: [KEY, tenant],
      queryFn: ({ signal }: { signal: AbortSignal }) => api.tenantStats({ tenant }, signal),
      refetchInterval: ANEW_MS,
      staleTime: 1_000,
    })),
  });
  const pages = answers.map(({ data }) => data);
  return useMemo(() => {
    const numbers = new Map<string, CountedTenant>();
    for (const page of pages)
      for (const { tenant_id, ...counted } of page?.tenants ?? [])
        numbers.set(tenant_id, { ...counted, at_most: page!.at_most });
    return numbers;
    // the list of pages is new in each render, the pages are not
  }, pages);
}
