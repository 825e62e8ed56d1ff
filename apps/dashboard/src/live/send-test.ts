import { useQuery } from '@tanstack/react-query';
import { useAlertsApi } from '@tocsin/react-client';
import type { AlertMessageBody } from '@tocsin/contracts/wire';
import type { Words } from '../words/words';

/** An alert to try everything out with. Each press is an alert of its own. */
export const testAlert = (tenantId: string, t: Words): AlertMessageBody => ({
  tenant_id: tenantId,
  service: 'inventory',
  severity: 'urgent',
  name: 'low_stock',
  title: t('test.title'),
  message: t('test.message'),
  labels: { test: 'true' },
});

/** Whose alerts somebody tries out with: the tenant that is their own, which is not the first of the alphabet; else that. Undefined: not known yet. */
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
