import { useEffect, useRef, useState } from 'react';
import { useAlertStream } from '@tocsin/react-client';
import { RINGING_CHANGES, type Alert } from '@tocsin/contracts/wire';
import { AWAY_MS, type Seen } from './use-seen';

export interface Missed {
  count: number;
  urgent: number;
}

/**
 * What happened while nobody could see it: while the page was closed, by the user's seen cursor, and while its connection was
 * lost, by what is told again when it is back.
 */
export function useCatchUp(alerts: readonly Alert[], seen: Seen): [Missed | null, () => void] {
  const [missed, setMissed] = useState<Missed | null>(null);
  const compared = useRef(false);
  useEffect(() => {
    if (!seen.isKnown || compared.current) return;
    compared.current = true;
    const unseen = seen.wasAway ? alerts.filter(seen.isUnseen) : [];
    if (unseen.length > 0) setMissed({ count: unseen.length, urgent: unseen.filter(({ severity }) => severity === 'urgent').length });
  }, [alerts, seen]);

  const lastHeardAt = useRef(Date.now());
  const away = useRef(false);
  useAlertStream({
    connection: (_, { replayed: __ }) => {
      away.current = Date.now() - lastHeardAt.current > AWAY_MS;
      lastHeardAt.current = Date.now();
    },
    heartbeat: () => void (lastHeardAt.current = Date.now()),
    entry: ({ change, severity, actor }, { replayed }) => {
      lastHeardAt.current = Date.now();
      if (!replayed || !away.current || actor !== null || !(RINGING_CHANGES as readonly string[]).includes(change)) return;
      setMissed((before) => ({ count: (before?.count ?? 0) + 1, urgent: (before?.urgent ?? 0) + Number(severity === 'urgent') }));
    },
  });
  return [missed, () => setMissed(null)];
}
