import { useCallback } from 'react';
import type { AlertOrder } from '@tocsin/contracts/wire';
import type { SystemView } from '../system/system-rights';
import type { Grouping, ListPlace, MoveTo, Place, View } from './place';

/** The ways to another place of the page. Each function stays the same while it leads to the same. */
export function useMoves(place: Place, move: MoveTo) {
  const isElsewhere = place.system !== null;
  const hasOpen = place.alert !== null;
  const setSearch = useCallback(
    // a search is one of alerts: it leads back to their list
    (q: string) => move({ q, overview: null, ...(isElsewhere && { view: 'open' }) }, { replace: !isElsewhere }),
    [move, isElsewhere],
  );
  const goToSystem = useCallback((view: SystemView) => move({ system: view, alert: null, overview: null }), [move]);
  const goTo = useCallback((view: View) => move({ view, alert: null, overview: null }), [move]);
  const orderBy = useCallback((order: AlertOrder) => move({ order }), [move]);
  const groupBy = useCallback((group: Grouping) => move({ group }), [move]);
  const goToPlace = useCallback((saved: ListPlace) => move({ ...saved, alert: null, overview: null }), [move]);
  const showOverview = useCallback(
    () => move({ overview: 'tenants', alert: null, ...(isElsewhere && { view: 'open' }) }),
    [move, isElsewhere],
  );
  const open = useCallback(
    (alert: string | null) => move({ alert }, { replace: hasOpen && alert !== null }),
    [move, hasOpen],
  );
  return { setSearch, goToSystem, goTo, orderBy, groupBy, goToPlace, showOverview, open };
}
