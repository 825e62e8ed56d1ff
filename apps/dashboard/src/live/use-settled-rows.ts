import { useEffect, useMemo, useRef, useState } from 'react';
import type { Alert } from '@tocsin/contracts/wire';
import { LINGER_MS, settle, type Settled } from './settled-order';

interface SettledRows extends Settled<Alert> {
  /** Shows the new rows that wait. */
  showFresh(): void;
}

/**
 * The rows of a list that does not move while the user works on it. `place` names the list; another place starts from
 * scratch. `whatBecameOf` returns an alert as it is now, for a row that has left the list and is still shown.
 */
export function useSettledRows(
  alerts: readonly Alert[],
  mayMove: boolean,
  place: string,
  whatBecameOf: (alert: Alert) => Alert,
): SettledRows {
  const [forced, force] = useState(0);
  const [ticked, tick] = useState(0);
  const memory = useRef({ place, forced, rows: [] as readonly Alert[], leftAt: new Map<string, number>() });

  const settled = useMemo(() => {
    const afresh = memory.current.place !== place || memory.current.forced !== forced;
    const { rows: shown, leftAt } = afresh ? { rows: [], leftAt: new Map<string, number>() } : memory.current;
    const now = Date.now();
    const { rows, fresh, left } = settle(
      shown,
      alerts,
      mayMove,
      ({ alert_id }) => now - (leftAt.get(alert_id) ?? now) < LINGER_MS,
    );
    const leaving = new Map(left.map(({ alert_id }) => [alert_id, leftAt.get(alert_id) ?? now]));
    const asTheyAre =
      left.length === 0 ? rows : rows.map((row) => (leaving.has(row.alert_id) ? whatBecameOf(row) : row));
    memory.current = { place, forced, rows: asTheyAre, leftAt: leaving };
    return { rows: asTheyAre, fresh, left };
  }, [alerts, mayMove, place, forced, ticked, whatBecameOf]);

  // A timer removes a lingering row even if no alert arrives.
  const leavesAt = mayMove && settled.left.length > 0 ? Math.min(...memory.current.leftAt.values()) + LINGER_MS : null;
  useEffect(() => {
    if (leavesAt === null) return;
    const timer = setTimeout(() => tick((n) => n + 1), Math.max(0, leavesAt - Date.now()) + 1);
    return () => clearTimeout(timer);
  }, [leavesAt]);

  return { ...settled, showFresh: () => force((n) => n + 1) };
}
