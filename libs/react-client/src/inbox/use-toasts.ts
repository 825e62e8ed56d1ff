import { useCallback, useEffect, useRef, useState } from 'react';
import { alertsScreens, type Entry, type Severity } from '@tocsin/contracts/wire';
import { useAlertStore, useAlertStream } from '../react/hooks';

/**
 * How long a toast stays, in milliseconds. An urgent one stays until the user acts on it or dismisses it; a low alert
 * gets no toast.
 */
const STAYS_MS: Record<Severity, number> = { urgent: Infinity, high: 10_000, medium: 6_000, low: 0 };
const MAX_SHOWN = 3;
/** How many toasts are kept, shown or counted; older ones are dropped, because users do not read more. */
const MAX_KEPT = 50;

const until = (entry: Entry) => ({ ...entry, until: Date.now() + STAYS_MS[entry.severity] });

export interface Toasts {
  shown: readonly Entry[];
  /** How many more toasts wait for room, and how many of them are urgent. */
  behind: { count: number; urgent: number };
  dismiss(alertId: string): void;
  /** Shows a toast again that was dismissed too early, unless the alert has a newer one. */
  restore(toast: Entry): void;
  dismissAll(): void;
  /** Stops the toasts from expiring while the pointer or the focus is on them. */
  hold(held: boolean): void;
}

/**
 * One toast for each alert, in the tab that is chosen to toast. A repeat of the alert renews the toast, and the toast
 * goes when the alert is no longer firing. A new toast needs `heard.notify`.
 */
export function useToasts(enabled: boolean): Toasts {
  const [toasts, setToasts] = useState<readonly (Entry & { until: number })[]>([]);
  const held = useRef(false);
  const store = useAlertStore();
  const dismiss = useCallback(
    (alertId: string) => setToasts((all) => all.filter(({ alert_id }) => alert_id !== alertId)),
    [],
  );

  /** After entries were missed: an alert that fires no more has no toast. */
  const recheck = () =>
    void store.lookAgain(
      toasts.map(({ alert_id }) => alert_id),
      dismiss,
    );
  useAlertStream({
    gap: recheck,
    fresh: recheck,
    entry: (entry, { notify }) => {
      if (entry.status !== 'firing') return dismiss(entry.alert_id);
      const rings = alertsScreens(entry);
      const isRepeat = entry.change === 'repeated';
      setToasts((all) => {
        const known = all.some(({ alert_id }) => alert_id === entry.alert_id);
        if (
          !enabled ||
          entry.type !== 'alert' ||
          STAYS_MS[entry.severity] === 0 ||
          !(known ? isRepeat || rings : notify && rings)
        )
          return all;
        const others = all.filter(({ alert_id }) => alert_id !== entry.alert_id);
        return [until(entry), ...others].slice(0, MAX_KEPT);
      });
    },
  });

  const next = Math.min(...toasts.map(({ until }) => until));
  useEffect(() => {
    if (next === Infinity) return;
    const timer = setInterval(() => {
      if (!held.current)
        setToasts((all) =>
          all.some(({ until }) => until <= Date.now()) ? all.filter(({ until }) => until > Date.now()) : all,
        );
    }, 250);
    return () => clearInterval(timer);
  }, [next]);

  const behind = toasts.slice(MAX_SHOWN);
  return {
    shown: toasts.slice(0, MAX_SHOWN),
    behind: { count: behind.length, urgent: behind.filter(({ severity }) => severity === 'urgent').length },
    dismiss,
    restore: useCallback(
      (toast: Entry) =>
        setToasts((all) => (all.some(({ alert_id }) => alert_id === toast.alert_id) ? all : [until(toast), ...all])),
      [],
    ),
    dismissAll: useCallback(() => setToasts([]), []),
    hold: useCallback((now: boolean) => void (held.current = now), []),
  };
}
