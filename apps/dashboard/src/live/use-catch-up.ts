import { useEffect, useRef, useState } from 'react';
import { useAlertStream } from '@tocsin/react-client';
import { RINGING_CHANGES, type Alert } from '@tocsin/contracts/wire';
import { serverNow } from '../words/clock';
import { AWAY_MS, type Seen } from './use-seen';

interface Missed {
  count: number;
  urgent: number;
}

interface CatchUp {
  missed: Missed | null;
  /** The moment behind which everything is new to who was away, by the server's clock; null: nobody was, or has seen it all. */
  newSince: number | null;
  /** Takes the banner away; what is new stays marked. */
  told(): void;
  /** Takes both away. */
  seen(): void;
}

/**
 * What happened while nobody could see it: while the page was closed, by the user's seen cursor, and while its connection was
 * lost, by what is told again when it is back.
 */
export function useCatchUp(alerts: readonly Alert[], seen: Seen): CatchUp {
  const [missed, setMissed] = useState<Missed | null>(null);
  const [newSince, setNewSince] = useState<number | null>(null);
  const compared = useRef(false);
  useEffect(() => {
    if (!seen.isKnown || compared.current) return;
    compared.current = true;
    const unseen = seen.awaySince !== null ? alerts.filter(seen.isUnseen) : [];
    if (unseen.length === 0) return;
    setNewSince(onServer(seen.awaySince!));
    setMissed({ count: unseen.length, urgent: unseen.filter(({ severity }) => severity === 'urgent').length });
  }, [alerts, seen]);

  const lastHeardAt = useRef(Date.now());
  const awaySince = useRef<number | null>(null);
  /** An alert that was raised, resolved and re-opened meanwhile is one. */
  const counted = useRef(new Set<string>());
  useAlertStream({
    connection: () => {
      awaySince.current = Date.now() - lastHeardAt.current > AWAY_MS ? lastHeardAt.current : null;
      lastHeardAt.current = Date.now();
    },
    heartbeat: () => void (lastHeardAt.current = Date.now()),
    entry: ({ alert_id, change, severity, actor }, { replayed }) => {
      lastHeardAt.current = Date.now();
      if (
        !replayed ||
        awaySince.current === null ||
        actor !== null ||
        !(RINGING_CHANGES as readonly string[]).includes(change) ||
        counted.current.has(alert_id)
      )
        return;
      counted.current.add(alert_id);
      const since = onServer(awaySince.current);
      // who is away twice has not seen what was new the first time
      setNewSince((before) => before ?? since);
      setMissed((before) => ({
        count: (before?.count ?? 0) + 1,
        urgent: (before?.urgent ?? 0) + Number(severity === 'urgent'),
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

const onServer = (at: number): number => at + serverNow() - Date.now();
