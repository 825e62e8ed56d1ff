import { useMemo, useState } from 'react';
import { useAlerts, type AlertsView } from '@tocsin/react-client';
import type { Alert, AlertFilter, AlertSearch } from '@tocsin/contracts/wire';
import { filterOf, parseSearch, type Search } from '../search/search-syntax';
import { serverNow } from '../words/clock';
import { searchAt, type Place } from './place';
import { useSettledRows } from './use-settled-rows';
import type { Leaving } from './why-it-left';

/** How many alerts one page of the list has. */
const PAGE = 100;

interface Rows {
  /** The search that is sent to the server. */
  search: AlertSearch;
  /** The tenants and the user's own part of it, without the view's. */
  user: AlertFilter;
  parsed: Search;
  /** Whether the user searches for anything beyond the view's own filter. */
  filtered: boolean;
  list: AlertsView;
  /** The rows that are shown at present; `fresh` waits above them. */
  rows: readonly Alert[];
  fresh: readonly Alert[];
  /** The rows that left the list and are still shown, by the alert's id. */
  leaving: ReadonlyMap<string, Leaving>;
  showFresh(): void;
  paused: boolean;
  setPaused(change: (paused: boolean) => boolean): void;
  setHandsOff(handsOff: boolean): void;
}

/**
 * The live list at a place of the page, of these tenants (undefined: all). It does not move while the user works on it.
 */
export function useRows({ view, q, order }: Place, tenants: readonly string[] | undefined): Rows {
  const parsed = useMemo(() => parseSearch(q), [q]);
  // a span such as `2h` counts from the time of the search: if it moved on, each render would make a new search
  const search = useMemo(
    () => ({ ...searchAt({ view, q, order }, tenants, serverNow()), limit: PAGE }),
    [view, q, order, tenants],
  );
  const user = useMemo(
    () => ({ ...(tenants && { tenant: [...tenants] }), ...filterOf(parsed, serverNow()) }),
    [tenants, parsed],
  );
  const list = useAlerts(search);

  const [paused, setPaused] = useState(false);
  const [handsOff, setHandsOff] = useState(true);
  const isLoaded = list.loadedAt !== null;
  const settled = useSettledRows(
    list.alerts,
    handsOff && !paused,
    `${view} ${order} ${isLoaded} ${tenants?.join() ?? ''} ${q}`,
  );
  const filtered = Object.keys(filterOf(parsed, 0)).length > 0;
  return { search, user, parsed, filtered, list, ...settled, paused, setPaused, setHandsOff };
}
