'use client';

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { Alert, AlertAct, AlertSearch } from '@tocsin/contracts/wire';
import type { AlertStream } from '../alert-stream';
import { AlertList, type AlertsShown } from '../alerts/alert-list';
import type { AlertStore } from '../alerts/alert-store';
import type { AlertsApi } from '../alerts/alerts-api';
import type { ActOutcome } from '../alerts/send-act';
import { CLOSED, type StreamStatus } from '../stream/status';
import type { StreamEventName, StreamListener, StreamListeners } from '../stream/stream-events';
import { useClient } from './provider';

/** On a server effects do not run, and React warns about each layout effect. */
const useBeforePaint = typeof document === 'undefined' ? useEffect : useLayoutEffect;

/**
 * The stream. `listeners`, by event name, are called for its events. They may be inline functions: the ones of the last
 * render are called, and the hook subscribes again only when the set of event names changes.
 */
export function useAlertStream(listeners?: StreamListeners): AlertStream {
  const { stream } = useClient();
  const present = useRef(listeners);
  useBeforePaint(() => {
    present.current = listeners;
  });
  const names = Object.keys(listeners ?? {})
    .sort()
    .join();
  useEffect(() => {
    const ends = (names ? names.split(',') : []).map((name) => {
      const event = name as StreamEventName;
      return stream.on(event, (data, heard) =>
        (present.current?.[event] as StreamListener<typeof event> | undefined)?.(data, heard),
      );
    });
    return () => ends.forEach((end) => end());
  }, [stream, names]);
  return stream;
}

/** The status of the connection: a new object whenever a value in it changes. */
export function useConnectionStatus(): StreamStatus {
  const { stream } = useClient();
  const subscribe = useCallback((listener: () => void) => stream.subscribe(listener), [stream]);
  return useSyncExternalStore(
    subscribe,
    () => stream.status,
    () => CLOSED,
  );
}

export interface AlertsView extends AlertsShown {
  /** Loads the next page. Never rejects: `error` says why it failed. */
  loadMore(): Promise<void>;
  /** Loads every list in use again and, if that succeeds, clears the stream's gap. */
  reload(): Promise<void>;
}

/**
 * A list of alerts, as the API would return it for the search, kept live. Components with the same search share one
 * list.
 */
export function useAlerts(search: AlertSearch = {}): AlertsView {
  const { store } = useClient();
  const key = JSON.stringify(search);
  const list = useMemo(() => store.list(JSON.parse(key) as AlertSearch), [store, key]);
  const shown = useSyncExternalStore(list.subscribe, list.getSnapshot, AlertList.empty);
  const loadMore = useCallback(() => list.loadMore(), [list]);
  const reload = useCallback(() => store.reloadAll(), [store]);
  return useMemo(() => ({ ...shown, loadMore, reload }), [shown, loadMore, reload]);
}

/** One alert, loaded if it is in no list. Undefined until it is loaded, and when the user has no such alert. */
export function useAlert(alertId: string): Alert | undefined {
  const { store } = useClient();
  const subscribe = useCallback((listener: () => void) => store.watch(alertId, listener), [store, alertId]);
  return useSyncExternalStore(
    subscribe,
    () => store.get(alertId),
    () => undefined,
  );
}

/**
 * Whether the server said that there is no such alert, or none for this user; false until it has answered. Use it
 * beside `useAlert`.
 */
export function useIsMissing(alertId: string): boolean {
  const { store } = useClient();
  const subscribe = useCallback((listener: () => void) => store.watch(alertId, listener), [store, alertId]);
  return useSyncExternalStore(
    subscribe,
    () => store.isMissing(alertId),
    () => false,
  );
}

export interface Acting {
  /** Does an act on one alert or on many: see `AlertStore.act`. Never rejects. */
  act(alertIds: string | readonly string[], act: AlertAct): Promise<ActOutcome>;
  /** Whether a response is awaited. */
  pending: boolean;
}

/** Acts on alerts: acknowledge, resolve, snooze and so on. */
export function useAct(): Acting {
  const { store } = useClient();
  const [awaited, setAwaited] = useState(0);
  const act = useCallback(
    async (alertIds: string | readonly string[], what: AlertAct) => {
      setAwaited((count) => count + 1);
      try {
        return await store.act(typeof alertIds === 'string' ? [alertIds] : alertIds, what);
      } finally {
        setAwaited((count) => count - 1);
      }
    },
    [store],
  );
  return { act, pending: awaited > 0 };
}

/** Typed calls of the REST API, with the stream's credential. */
export const useAlertsApi = (): AlertsApi => useClient().api;

/** The store that all lists share, for what the hooks do not offer. */
export const useAlertStore = (): AlertStore => useClient().store;
