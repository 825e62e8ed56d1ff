import { useCallback, useEffect, useRef, useState } from 'react';
import { useAlertsApi, useAlertStream } from '@tocsin/react-client';
import { alertsScreens, type Alert } from '@tocsin/contracts/wire';

/** The seen position is sent to the server at most once in this time, so that the user's other devices know it too. */
const TELL_MS = 20_000;
/** The user counts as present if they moved the pointer or pressed a key within this time. */
const ACTIVE_MS = 60_000;
/** A shorter absence does not count. */
export const AWAY_MS = 30_000;
const HERE_KEY = 'tocsin.here';

export interface Seen {
  isUnseen(alert: Alert): boolean;
  /** Marks these alerts as seen in this page. */
  see(alertIds: readonly string[]): void;
  /** Marks all alerts as seen, on every device of the user. */
  seeAll(): void;
  /** When this browser last had the page open, by `Date.now()`, if that is longer ago than `AWAY_MS`; else null. */
  awaySince: number | null;
  /** Whether the server's seen position has been loaded (or failed to load). */
  isKnown: boolean;
}

/** The further of both positions in each tenant. */
export function furthest(
  before: ReadonlyMap<string, number> | null,
  more: Iterable<readonly [tenantId: string, seq: number]>,
): Map<string, number> {
  const positions = new Map(before);
  for (const [tenant, seq] of more) positions.set(tenant, Math.max(seq, positions.get(tenant) ?? 0));
  return positions;
}

/**
 * Which alerts the user has seen: by the position that the server keeps for all of the user's devices, and in this page
 * by having opened them.
 */
export function useSeen(alerts: readonly Alert[], loading: boolean, openAlert: string | null): Seen {
  const api = useAlertsApi();
  const stream = useAlertStream({
    // a log that was restored counts from the beginning again
    gap: ({ tenants }) => {
      const replaced = tenants.filter(({ reason }) => reason === 'history_replaced').map(({ tenant_id }) => tenant_id);
      if (replaced.length > 0)
        setPositions((before) => before && new Map([...before].filter(([tenant]) => !replaced.includes(tenant))));
    },
    // what rings again was not seen, unless the user reads it at this moment
    entry: (entry) => {
      if (!alertsScreens(entry) || entry.alert_id === openAlert) return;
      setLooked((before) =>
        before.has(entry.alert_id) ? new Set([...before].filter((id) => id !== entry.alert_id)) : before,
      );
    },
  });
  const [positions, setPositions] = useState<ReadonlyMap<string, number> | null>(null);
  const [looked, setLooked] = useState<ReadonlySet<string>>(new Set());
  const [awaySince] = useState(() => {
    const here = Number(readHere());
    return Date.now() - here > AWAY_MS ? here : null;
  });
  const present = useRef(alerts);
  useEffect(() => void (present.current = alerts), [alerts]);

  useEffect(() => {
    if (loading || positions) return;
    const asking = new AbortController();
    const know = (seen: readonly { tenant_id: string; seq: number }[]) =>
      setPositions(
        new Map([...newestOf(present.current), ...seen.map(({ tenant_id, seq }) => [tenant_id, seq] as const)]),
      );
    // if the request fails, all loaded alerts count as seen: a page full of false "new" marks would be worse
    api.seen(asking.signal).then(
      ({ tenants }) => know(tenants),
      () => asking.signal.aborted || know([]),
    );
    return () => asking.abort();
  }, [api, loading, positions]);

  useEffect(() => {
    let activeAt = Date.now();
    let told = stream.cursor;
    const active = () => void (activeAt = Date.now());
    const tell = () => {
      writeHere();
      const { cursor } = stream;
      if (!cursor || cursor === told || Date.now() - activeAt > ACTIVE_MS) return;
      told = cursor;
      api.markSeen(cursor).catch(() => (told = null));
    };
    const onTimer = () => document.visibilityState === 'visible' && tell();
    const timer = setInterval(onTimer, TELL_MS);
    const onHidden = () => document.visibilityState === 'hidden' && tell();
    window.addEventListener('pointermove', active, { passive: true });
    window.addEventListener('keydown', active);
    document.addEventListener('visibilitychange', onHidden);
    return () => {
      clearInterval(timer);
      window.removeEventListener('pointermove', active);
      window.removeEventListener('keydown', active);
      document.removeEventListener('visibilitychange', onHidden);
    };
  }, [api, stream]);

  const isUnseen = useCallback(
    (alert: Alert) =>
      positions !== null &&
      alert.status === 'firing' &&
      !looked.has(alert.alert_id) &&
      alert.last_seq > (positions.get(alert.tenant_id) ?? 0),
    [positions, looked],
  );
  const see = useCallback(
    (ids: readonly string[]) =>
      setLooked((before) => (ids.every((id) => before.has(id)) ? before : new Set([...before, ...ids]))),
    [],
  );
  // whichever way it was opened: a row, a key, a toast, a link, a push message
  useEffect(() => {
    if (openAlert !== null) see([openAlert]);
  }, [openAlert, see]);
  const seeAll = useCallback(() => {
    // a filtered list may end before what was seen elsewhere
    setPositions((before) => furthest(before, newestOf(present.current)));
    if (!stream.cursor) return;
    api.markSeen(stream.cursor).then(
      ({ tenants }) =>
        setPositions((before) =>
          furthest(
            before,
            tenants.map(({ tenant_id, seq }) => [tenant_id, seq] as const),
          ),
        ),
      () => undefined,
    );
  }, [api, stream]);
  return { isUnseen, see, seeAll, awaySince, isKnown: positions !== null };
}

const newestOf = (alerts: readonly Alert[]): Map<string, number> =>
  furthest(
    null,
    alerts.map(({ tenant_id, last_seq }) => [tenant_id, last_seq] as const),
  );

function readHere(): string {
  try {
    // a browser that opens the page for the first time was not away
    return localStorage.getItem(HERE_KEY) ?? String(Date.now());
  } catch {
    return String(Date.now());
  }
}

function writeHere(): void {
  try {
    localStorage.setItem(HERE_KEY, String(Date.now()));
  } catch {
    // no storage: `readHere` then says that the user was not away
  }
}
