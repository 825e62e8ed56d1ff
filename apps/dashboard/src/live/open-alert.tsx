import { lazy, Suspense, useEffect, useRef, type ReactNode } from 'react';
import { useAlert, useIsMissing } from '@tocsin/react-client';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import layout from './layout.module.css';
import { useWords } from '../words/words';
import { Unbroken } from './unbroken';

const load = () => import('../detail/drawer');
const Drawer = lazy(load);

/**
 * Loads the details before the first alert is opened, once the list is there: the first script is smaller without them.
 */
export const preloadDetails = (): void => void load().catch(() => undefined);

interface Props {
  alertId: string;
  me: string;
  mayAct: boolean;
  tenantName(tenantId: string): string | null;
  onAct(alert: Alert, act: AlertAct): void;
  onLabel(key: string, value: string): void;
  onClose(): void;
  focusRow(alertId: string): void;
  /** What stands under the header of the details. */
  notice: ReactNode;
}

/**
 * The details of the alert that the address names. When they close, the alert's row gets the focus. That the alert is
 * not there is said only when the server has said so, however long its answer takes.
 */
export function OpenAlert({ alertId, tenantName, focusRow, ...rest }: Props) {
  const alert = useAlert(alertId);
  const missing = useIsMissing(alertId);
  useFocusBack(() => focusRow(alertId));
  const { t } = useWords();
  return (
    <Unbroken fallback={<p className={layout.error}>{t('error.part')}</p>}>
      <Suspense fallback={null}>
        <Drawer alert={alert} loading={!missing} tenantName={alert ? tenantName(alert.tenant_id) : null} {...rest} />
      </Suspense>
    </Unbroken>
  );
}

/** Calls `focus` when the component is unmounted, to give the focus back. */
function useFocusBack(focus: () => void): void {
  const latest = useRef(focus);
  useEffect(() => void (latest.current = focus), [focus]);
  useEffect(() => () => latest.current(), []);
}
