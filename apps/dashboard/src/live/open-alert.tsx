import { useEffect, useState } from 'react';
import { useAlert } from '@tocsin/react-client';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import { Drawer, useFocusBack } from '../detail/drawer';

/** An alert that is not loaded within this time is shown as not found. */
const LOADING_MS = 5_000;

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

/** The details of the alert that the address names. When they close, the alert's row gets the focus. */
export function OpenAlert({ alertId, tenantName, focusRow, ...rest }: Props) {
  const alert = useAlert(alertId);
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setLoading(false), LOADING_MS);
    return () => clearTimeout(timer);
  }, []);
  useFocusBack(() => focusRow(alertId));
  return <Drawer alert={alert} loading={loading} tenantName={alert ? tenantName(alert.tenant_id) : null} {...rest} />;
}
