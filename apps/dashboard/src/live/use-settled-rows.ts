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
  const state = useRef({ place, forced, ids: [] as readonly string[], byId: new Map<string, Alert>(), left: new Map<string, { alert: Alert; at: number }>() });
  const byId = useMemo(() => byIdOf(alerts), [alerts]);

  const settled = useMemo(() => {
    const memory = state.current;
    const wanted = [...byId.keys()];
    const afresh = memory.place !== place || memory.forced !== forced;
    if (memory.place !== place) memory.left.clear();
    const now = Date.now();
    for (const id of memory.left.keys()) if (byId.has(id)) memory.left.delete(id);
    for (const id of memory.ids) {
      if (byId.has(id)) continue;
      if (!memory.left.has(id) && memory.byId.has(id)) memory.left.set(id, { alert: memory.byId.get(id)!, at: now });
    }
    const lingers = (id: string) => now - (memory.left.get(id)?.at ?? 0) < LINGER_MS;
    const ids = afresh ? wanted : settle(memory.ids, wanted, mayMove, lingers, byId);
    const rows: Alert[] = [];
    for (const id of ids) {
      const alert = byId.get(id);
      const left = memory.left.get(id)?.alert;
      if (alert) rows.push(alert);
      else if (left) rows.push(whatBecameOf(left));
    }
    if (ids === wanted) memory.left.clear();
    state.current = { place, forced, ids, byId, left: memory.left };
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

/** With ten thousand rows this runs for each frame in which something arrives: it makes no pair for each of them. */
function byIdOf(alerts: readonly Alert[]): Map<string, Alert> {
  const byId = new Map<string, Alert>();
  for (const alert of alerts) byId.set(alert.alert_id, alert);
  return byId;
}
