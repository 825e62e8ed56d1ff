import { useAlert, useIsMissing } from '@tocsin/react-client';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import { Drawer, useFocusBack } from '../detail/drawer';

interface Props {
  alertId: string;
  me: string;
  mayAct: boolean;
  tenantName(tenantId: string): string | null;
  onAct(alert: Alert, act: AlertAct): void;
  onLabel(key: string, value: string): void;
  onClose(): void;
  focusRow(alertId: string): void;
}

/**
 * The details of the alert that the address names. When they close, the alert's row gets the focus. That the alert is not
 * there is said only when the server has said so, however long its answer takes.
 */
export default function OpenAlert({ alertId, tenantName, focusRow, ...rest }: Props) {
  const alert = useAlert(alertId);
  const missing = useIsMissing(alertId);
  useFocusBack(() => focusRow(alertId));
  return <Drawer alert={alert} loading={!missing} tenantName={alert ? tenantName(alert.tenant_id) : null} {...rest} />;
}
