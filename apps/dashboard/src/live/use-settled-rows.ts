import { useEffect, useMemo, useRef, useState } from 'react';
import type { Alert } from '@tocsin/contracts/wire';
import { LINGER_MS, settle, waiting } from './settled-order';

interface Settled {
  rows: Alert[];
  /** What has come in and is not shown yet. */
  fresh: Alert[];
  /** Shows it. */
  showFresh(): void;
}

/**
 * The rows of a list that stands still while somebody works on it. `place` names the list: another one starts afresh.
 * `whatBecameOf` is an alert as it is now, for a row that has left the list and is still seen for a moment.
 */
export function useSettledRows(alerts: readonly Alert[], mayMove: boolean, place: string, whatBecameOf: (alert: Alert) => Alert): Settled {
  const [forced, force] = useState(0);
  const state = useRef({ place, forced, ids: [] as string[], known: new Map<string, Alert>(), left: new Map<string, number>() });
  const byId = useMemo(() => new Map(alerts.map((alert) => [alert.alert_id, alert])), [alerts]);

  const settled = useMemo(() => {
    const memory = state.current;
    const wanted = [...byId.keys()];
    const afresh = memory.place !== place || memory.forced !== forced;
    if (memory.place !== place) memory.left.clear();
    const now = Date.now();
    for (const id of memory.ids) {
      if (byId.has(id)) memory.left.delete(id);
      else if (!memory.left.has(id)) memory.left.set(id, now);
    }
    const lingers = (id: string) => now - (memory.left.get(id) ?? 0) < LINGER_MS;
    const ids = afresh ? wanted : settle(memory.ids, wanted, mayMove, lingers);
    const rows = ids.flatMap((id) => byId.get(id) ?? leftBehind(memory.known.get(id), whatBecameOf));
    state.current = { place, forced, ids, known: new Map(rows.map((row) => [row.alert_id, row])), left: memory.left };
    return { rows, fresh: waiting(ids, wanted).map((id) => byId.get(id)!) };
  }, [byId, mayMove, place, forced, whatBecameOf]);

  // A row that lingers has to leave even if nothing else happens.
  const someLinger = mayMove && settled.rows.some(({ alert_id }) => !byId.has(alert_id));
  const [, tick] = useState(0);
  useEffect(() => {
    if (!someLinger) return;
    const timer = setTimeout(() => {
      force((n) => n + 1);
      tick((n) => n + 1);
    }, LINGER_MS + 50);
    return () => clearTimeout(timer);
  }, [someLinger]);

  return { ...settled, showFresh: () => force((n) => n + 1) };
}

const leftBehind = (alert: Alert | undefined, whatBecameOf: (alert: Alert) => Alert): Alert[] => (alert ? [whatBecameOf(alert)] : []);
