import { useCallback, useEffect, useRef } from 'react';
import { onPushClick, useAlertsApi } from '@tocsin/react-client';
import { PUSH } from '../base-path';

/** How long signing out waits for this browser to be unsubscribed. */
const END_WITHIN_MS = 2_000;

const loadClient = () => import('../settings/push-client');

/**
 * Keeps this browser's push messages in step with the session: renews its subscription when the page opens, and opens
 * the alert whose notification was clicked. Returns a function that ends them, for signing out; it never rejects.
 */
export function usePushSession(open: (alertId: string) => void): () => Promise<void> {
  const api = useAlertsApi();
  const latest = useRef(open);
  useEffect(() => void (latest.current = open), [open]);
  useEffect(() => onPushClick(({ alertId }) => alertId !== null && latest.current(alertId)), []);
  useEffect(() => {
    // if that fails, the next opening renews it: there are 30 days
    void loadClient()
      .then(({ renewPush }) => renewPush(api, PUSH))
      .catch(() => undefined);
  }, [api]);
  return useCallback(async () => {
    const ended = loadClient().then(({ unsubscribeFromPush }) => unsubscribeFromPush(api, PUSH));
    const late = new Promise((resolve) => setTimeout(resolve, END_WITHIN_MS));
    // a server or a push service that is away must not keep a user signed in
    await Promise.race([ended, late]).catch(() => undefined);
  }, [api]);
}
