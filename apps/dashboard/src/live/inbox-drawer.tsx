import { lazy, useCallback } from 'react';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import { formatSearch } from '../search/search-syntax';
import styles from './layout.module.css';
import { Late } from './late';
import { OpenAlert } from './open-alert';
import type { InboxState } from './use-inbox';

/** Loaded on a phone only, when an alert rings. */
const UrgentLine = lazy(async () => ({ default: (await import('./phone-alerts')).UrgentLine }));

/** The details of the open alert, beside the list. */
export function InboxDrawer({ inbox, focusRow }: { inbox: InboxState; focusRow(alertId: string): void }) {
  const { place, me, mayAct, tenants, acts, move, isNarrow, ringing } = inbox;
  const { parsed } = inbox.listed;
  const { open } = inbox.moves;
  const act = useCallback((alert: Alert, what: AlertAct) => acts.perform([alert], what), [acts]);
  if (!place.alert) return null;
  return (
    <div className={styles.drawer}>
      <OpenAlert
        key={place.alert}
        alertId={place.alert}
        me={me}
        mayAct={mayAct}
        tenantName={tenants.nameOf}
        onAct={act}
        onLabel={(key, value) =>
          move({ alert: null, q: formatSearch({ ...parsed, labels: { ...parsed.labels, [key]: value } }) })
        }
        onClose={() => open(null)}
        focusRow={focusRow}
        notice={
          isNarrow &&
          ringing.all.length > 0 && (
            <Late>
              <UrgentLine ringing={ringing} onOpen={open} />
            </Late>
          )
        }
      />
    </div>
  );
}
