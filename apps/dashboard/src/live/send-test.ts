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
