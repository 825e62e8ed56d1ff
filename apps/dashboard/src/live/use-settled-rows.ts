import { useEffect, useMemo, useRef, useState } from 'react';
import { useAlertStore } from '@tocsin/react-client';
import type { Alert } from '@tocsin/contracts/wire';
import { LINGER_MS, settle } from './settled-order';
import type { Leaving } from './why-it-left';

/** How many of the rows that left are followed: as many as fit on a screen. */
const FOLLOWED = 60;

interface SettledRows {
  rows: readonly Alert[];
  /** New rows that wait above the list. */
  fresh: readonly Alert[];
  /** The rows that left the list and are still shown, by the alert's id. */
  leaving: ReadonlyMap<string, Leaving>;
  /** Shows the new rows that wait. */
  showFresh(): void;
}

/**
 * The rows of a list that does not move while the user works on it. `place` names the list; another place starts from
 * scratch. A row that left the list shows its alert as it is now, as far as that is known.
 */
export function useSettledRows(alerts: readonly Alert[], mayMove: boolean, place: string): SettledRows {
  const store = useAlertStore();
  const [forced, force] = useState(0);
  const [ticked, tick] = useState(0);
  const memory = useRef({
    place,
    forced,
    rows: [] as readonly Alert[],
    left: new Map<string, { at: number; was: Alert }>(),
  });

  const settled = useMemo(() => {
    const afresh = memory.current.place !== place || memory.current.forced !== forced;
    const { rows: shown, left: before } = afresh
      ? { rows: [], left: new Map<string, { at: number; was: Alert }>() }
      : memory.current;
    const now = Date.now();
    const { rows, fresh, left } = settle(
      shown,
      alerts,
      mayMove,
      ({ alert_id }) => now - (before.get(alert_id)?.at ?? now) < LINGER_MS,
    );
    const kept = new Map(left.map((row) => [row.alert_id, before.get(row.alert_id) ?? { at: now, was: row }]));
    const leaving = new Map(
      [...kept].map(([alertId, { was }]): [string, Leaving] => [alertId, { was, now: store.lastKnown(alertId) }]),
    );
    const asTheyAre =
      kept.size === 0
        ? rows
        : rows.map((row) => (kept.has(row.alert_id) ? (leaving.get(row.alert_id)!.now ?? row) : row));
    memory.current = { place, forced, rows: asTheyAre, left: kept };
    return { rows: asTheyAre, fresh, leaving };
  }, [alerts, mayMove, place, forced, ticked, store]);

  // A timer removes a lingering row even if no alert arrives.
  const leavesAt =
    mayMove && settled.leaving.size > 0
      ? Math.min(...[...memory.current.left.values()].map(({ at }) => at)) + LINGER_MS
      : null;
  useEffect(() => {
    if (leavesAt === null) return;
    const timer = setTimeout(() => tick((n) => n + 1), Math.max(0, leavesAt - Date.now()) + 1);
    return () => clearTimeout(timer);
  }, [leavesAt]);

  // The list no longer tells of these alerts, so they are watched as long as they are shown.
  const followed = [...settled.leaving.keys()].slice(0, FOLLOWED).join();
  useEffect(() => {
    const ends = (followed ? followed.split(',') : []).map((id) => store.watch(id, () => tick((n) => n + 1)));
    return () => ends.forEach((end) => end());
  }, [followed, store]);

  return { ...settled, showFresh: () => force((n) => n + 1) };
}
