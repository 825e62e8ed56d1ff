'use client';

import { useCallback, useMemo, useSyncExternalStore } from 'react';
import type { Alert, AlertSearch, Severity } from '@tocsin/contracts/wire';
import { SeenAlerts } from '../alerts/seen-alerts';
import { useAlerts } from './hooks';
import { useClient } from './provider';

export interface Unseen {
  /** The firing alerts of severity urgent or high that the user has not seen, the newest first. */
  alerts: readonly Alert[];
  /** Whether there may be more than these, because not all firing alerts are loaded. */
  more: boolean;
  /** Whether the alerts and the seen position are loaded. Until then `alerts` is empty and says nothing. */
  isKnown: boolean;
  /** Marks alerts as seen in this page. */
  see(alertIds: readonly string[]): void;
  /**
   * Marks all alerts as seen, on every device of the user. With a filtered stream, or a search with other conditions
   * than `status`, only those of this list are marked, until the page is closed: the server keeps one position for each
   * tenant.
   */
  seeAll(): void;
}

const NOTICED: readonly Severity[] = ['urgent', 'high'];
/** What a search may say and still select all alerts that are open. */
const WHOLE = ['status', 'order', 'limit', 'facets'];

/** What a badge counts: the unseen alerts of a search that are firing, and urgent or high. */
export function useUnseen(search: AlertSearch = {}): Unseen {
  const { seen } = useClient();
  const state = useSyncExternalStore(seen.subscribe, seen.getSnapshot, SeenAlerts.unknown);
  const { order: _order, limit: _limit, facets: _facets, ...filter } = search;
  const list = useAlerts({ ...filter, status: ['firing'], severity: [...NOTICED] });
  const wanted = search.severity?.join() ?? NOTICED.join();
  const alerts = useMemo(
    () => list.alerts.filter((alert) => wanted.split(',').includes(alert.severity) && seen.isUnseen(state, alert)),
    [list.alerts, wanted, seen, state],
  );
  const isWhole = Object.keys(search).every((key) => WHOLE.includes(key));
  const loaded = list.alerts;
  return {
    alerts,
    more: list.hasMore && NOTICED.some((severity) => wanted.includes(severity)),
    isKnown: list.loadedAt !== null && state.positions !== null,
    see: useCallback((alertIds) => seen.see(alertIds), [seen]),
    seeAll: useCallback(() => {
      seen.see(loaded.map(({ alert_id }) => alert_id));
      if (isWhole) void seen.seeAll();
    }, [seen, loaded, isWhole]),
  };
}
