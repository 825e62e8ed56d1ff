import { useEffect, useRef, useState } from 'react';
import { useAlertStream } from '@tocsin/react-client';
import { alertsScreens, type Alert } from '@tocsin/contracts/wire';
import { onServer } from '../words/clock';
import { AWAY_MS, type Seen } from './use-seen';

interface Missed {
  count: number;
  urgent: number;
  /** Whether there may be more: the list has loaded no alert that the user has seen. */
  atLeast: boolean;
}

interface CatchUp {
  missed: Missed | null;
  /**
   * Alerts after this time (milliseconds, the server's clock) came while the user was away; null: the user was not
   * away, or has seen them all.
   */
  newSince: number | null;
  /** Closes the banner; the line above the older rows stays. */
  told(): void;
  /** Closes the banner and removes the line. */
  seen(): void;
}

/**
 * What happened while the user could not see it. For the time while the page was closed it compares the list with the
 * user's seen position; for the time while the connection was lost it counts the entries that are replayed afterwards.
 */
export function useCatchUp(
  alerts: readonly Alert[],
  hasMore: boolean,
  seen: Seen,
  inScope: (tenantId: string) => boolean,
): CatchUp {
  const [missed, setMissed] = useState<Missed | null>(null);
  const [newSince, setNewSince] = useState<number | null>(null);
  const compared = useRef(false);
  useEffect(() => {
    if (!seen.isKnown || compared.current) return;
    compared.current = true;
    const unseen = seen.awaySince !== null ? alerts.filter(seen.isUnseen) : [];
    if (unseen.length === 0) return;
    setNewSince(onServer(seen.awaySince!));
    setMissed({
      count: unseen.length,
      urgent: unseen.filter(({ severity }) => severity === 'urgent').length,
      atLeast: hasMore && unseen.length === alerts.length,
    });
  }, [alerts, hasMore, seen]);

  const lastHeardAt = useRef(Date.now());
  const awaySince = useRef<number | null>(null);
  /** The alerts that were counted: one that was raised, resolved and re-opened meanwhile counts once. */
  const counted = useRef(new Set<string>());
  useAlertStream({
    connection: () => {
      awaySince.current = Date.now() - lastHeardAt.current > AWAY_MS ? lastHeardAt.current : null;
      lastHeardAt.current = Date.now();
    },
    heartbeat: () => void (lastHeardAt.current = Date.now()),
    entry: (entry, { replayed }) => {
      const { tenant_id, alert_id, severity } = entry;
      lastHeardAt.current = Date.now();
      if (!replayed || awaySince.current === null || !alertsScreens(entry)) return;
      if (!inScope(tenant_id) || counted.current.has(alert_id)) return;
      counted.current.add(alert_id);
      const since = onServer(awaySince.current);
      // a user who is away twice has not seen the alerts of the first absence
      setNewSince((before) => before ?? since);
      setMissed((before) => ({
        count: (before?.count ?? 0) + 1,
        urgent: (before?.urgent ?? 0) + Number(severity === 'urgent'),
        atLeast: before?.atLeast ?? false,
      }));
    },
  });
  const told = () => {
    counted.current.clear();
    setMissed(null);
  };
  const all = () => {
    told();
    setNewSince(null);
  };
  return { missed, newSince, told, seen: all };
}
