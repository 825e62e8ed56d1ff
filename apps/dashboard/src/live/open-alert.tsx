import { useEffect, useState } from 'react';
import { useAlert } from '@tocsin/react-client';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import { Drawer, useFocusBack } from '../detail/drawer';

/** An alert that takes longer to come than this is not there. */
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

/** The details of the alert that the address names. When they close, its row has the focus again. */
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
