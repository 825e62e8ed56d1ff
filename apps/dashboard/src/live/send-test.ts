import { useMemo } from 'react';
import { toast } from 'sonner';
import { useAlertsApi } from '@tocsin/react-client';
import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { useMemberships } from '../session/use-memberships';
import { useWords, type Words } from '../words/words';

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
  const memberships = useMemberships(mayPublish);
  return (memberships?.find(({ role }) => role === 'owner') ?? memberships?.[0])?.tenant_id;
}

/** Publishes a test alert, and to which tenant; null for a user who may not publish. */
export function useSendTest(mayPublish: boolean): { tenant: string | undefined; send: (() => void) | null } {
  const { t } = useWords();
  const api = useAlertsApi();
  const tenant = useTestTenant(mayPublish);
  const send = useMemo(
    () =>
      tenant
        ? () =>
            void api
              .publish(testAlert(tenant, t))
              .catch((error: Error) => toast.error(t('error.title'), { description: error.message }))
        : null,
    [api, tenant, t],
  );
  return { tenant, send };
}
