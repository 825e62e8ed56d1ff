import { lazy, useCallback, useEffect, useMemo } from 'react';
import { Toaster } from 'sonner';
import { alertAfter } from '@tocsin/react-client';
import type { Entry } from '@tocsin/contracts/wire';
import { usePreference } from '../settings/preferences';
import { useWords } from '../words/words';
import { AlertToasts } from './alert-toasts';
import { Late } from './late';
import type { InboxState } from './use-inbox';

/** Loaded on a phone only. */
const load = () => import('./phone-alerts');
const PhoneBar = lazy(async () => ({ default: (await load()).PhoneBar }));

/** What comes over the page when an alert rings: toasts, or on a phone one bar. */
export function InboxAlarms({ inbox }: { inbox: InboxState }) {
  const { t } = useWords();
  const { place, me, mayAct, tenants, covered, acts, store, isNarrow, ringing } = inbox;
  const { showFresh } = inbox.listed;
  const { open } = inbox.moves;
  const [drawerWidth] = usePreference('drawerWidth');
  const hasOpen = place.alert !== null;
  const isReady = isNarrow && inbox.listed.list.loadedAt !== null;
  useEffect(() => {
    // before the first alert rings: it must not wait for a network that is away then
    if (isReady) void load().catch(() => undefined);
  }, [isReady]);
  const acknowledge = useCallback(
    // an alert that rings need not be in the list that is shown, and the page then knows it no longer
    (entry: Entry) =>
      acts.perform([store.lastKnown(entry.alert_id) ?? alertAfter(undefined, entry)], { act: 'acknowledge' }),
    [acts, store],
  );
  const toasterRight = hasOpen && !isNarrow ? drawerWidth + 20 : 20;
  const toaster = useMemo(
    () => (
      <Toaster
        position={isNarrow ? 'top-center' : 'bottom-right'}
        offset={{ right: toasterRight, bottom: 20 }}
        visibleToasts={5}
        gap={10}
        expand
        containerAriaLabel={t('toast.region')}
      />
    ),
    [isNarrow, toasterRight, t],
  );
  return (
    <>
      {toaster}
      {isNarrow && !hasOpen && ringing.all.length > 0 && (
        <Late>
          <PhoneBar
            ringing={ringing}
            mayAct={mayAct}
            tenantName={tenants.nameOf}
            onOpen={open}
            onAcknowledge={acknowledge}
            onShow={showFresh}
          />
        </Late>
      )}
      {inbox.snoozeMenu}
      <AlertToasts
        ringing={isNarrow ? ringing : null}
        me={me}
        openAlert={place.alert}
        mayAct={mayAct}
        inScope={covered.includes}
        tenantName={tenants.nameOf}
        onOpen={open}
        onAcknowledge={acknowledge}
        onShow={showFresh}
      />
    </>
  );
}
