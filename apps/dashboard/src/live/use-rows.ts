import { useCallback, useMemo, useState } from 'react';
import { useAlerts, useAlertStore, type AlertsView } from '@tocsin/react-client';
import type { Alert, AlertSearch } from '@tocsin/contracts/wire';
import { filterOf, matches, parseSearch, type Search } from '../search/search-syntax';
import { serverNow } from '../words/clock';
import { searchAt, type Place } from './place';
import { useSettledRows } from './use-settled-rows';

/** Alerts that one page of the list asks for. */
const PAGE = 100;

interface Rows {
  /** What the server is asked for. */
  search: AlertSearch;
  parsed: Search;
  /** Whether anything is searched for beyond the view. */
  filtered: boolean;
  /** Whether the page leaves out what the server would show. */
  hides: boolean;
  list: AlertsView;
  /** What belongs into the list. */
  alerts: readonly Alert[];
  /** What it shows at present, and what waits above it. */
  rows: readonly Alert[];
  fresh: readonly Alert[];
  showFresh(): void;
  paused: boolean;
  setPaused(change: (paused: boolean) => boolean): void;
  setHandsOff(handsOff: boolean): void;
}

/** The list at a place of the page, live, and standing still while a hand is on it. */
export function useRows({ view, q, order }: Place, me: string): Rows {
  const store = useAlertStore();
  const parsed = useMemo(() => parseSearch(q), [q]);
  // a span such as `2h` counts from when it was searched for: a search that moved by itself would be a new one each time
  const search = useMemo(() => ({ ...searchAt({ view, q, order }, serverNow()), limit: PAGE }), [view, q, order]);
  const list = useAlerts(search);

  // The server has no word for services and tenants that are left out: these are left out here.
  const hides = parsed.not.service.length + parsed.not.tenant.length > 0;
  const alerts = useMemo(
    () => (hides ? list.alerts.filter((alert) => matches(parsed, alert, me, serverNow())) : list.alerts),
    [hides, list.alerts, parsed, me],
  );

  const [paused, setPaused] = useState(false);
  const [handsOff, setHandsOff] = useState(true);
  const whatBecameOf = useCallback(
    (alert: Alert): Alert => store.get(alert.alert_id) ?? { ...alert, status: 'resolved' },
    [store],
  );
  const isLoaded = list.loadedAt !== null;
  const settled = useSettledRows(alerts, handsOff && !paused, `${view} ${order} ${isLoaded} ${q}`, whatBecameOf);
  const filtered = hides || Object.keys(filterOf(parsed, 0)).length > 0;
  return { search, parsed, filtered, hides, list, alerts, ...settled, paused, setPaused, setHandsOff };
}
