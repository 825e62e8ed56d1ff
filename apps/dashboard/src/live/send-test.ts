import { useQuery } from '@tanstack/react-query';
import { useAlertsApi } from '@tocsin/react-client';
import type { AlertMessageBody } from '@tocsin/contracts/wire';
import type { Words } from '../words/words';

/** A message for a test alert. Each click publishes a new alert. */
export const testAlert = (tenantId: string, t: Words): AlertMessageBody => ({
  tenant_id: tenantId,
  service: 'inventory',
  severity: 'urgent',
  name: 'low_stock',
  title: t('test.title'),
  message: t('test.message'),
  labels: { test: 'true' },
});

/**
 * The tenant for test alerts: the first one that the user owns, else the first of all. Undefined: not known yet, or the
 * user may not publish.
 */
export function useTestTenant(mayPublish: boolean): string | undefined {
  const api = useAlertsApi();
  const { data } = useQuery({
    queryKey: ['tenants'],
    queryFn: ({ signal }) => api.tenants(signal).then(({ tenants }) => tenants),
    enabled: mayPublish,
    staleTime: Infinity,
  });
  return (data?.find(({ role }) => role === 'owner') ?? data?.[0])?.tenant_id;
}
