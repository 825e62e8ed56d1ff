import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Entry } from '@tocsin/contracts/wire';
import { SEVERITIES } from '@tocsin/contracts/wire';
import { TOAST_MS } from './toast-plan';

/** How many alerts are kept. A phone shows one of them, and counts the others. */
const MOST = 100;

interface Rung {
  /** What has rung and was not dealt with, oldest first. */
  readonly all: readonly Entry[];
  /** The one that is shown with its acts; null: only the count is shown. */
  readonly shown: string | null;
}

export interface Ringing extends Rung {
  ring(entry: Entry): void;
  /** Removes an alert: it was dealt with here or elsewhere, or its time is over. */
  done(alertId: string): void;
  dismiss(): void;
}

const NOTHING: Rung = { all: [], shown: null };
const rank = ({ severity }: Entry): number => SEVERITIES.indexOf(severity);

/**
 * Adds an alert. It takes the place of the shown one only if it is worse: otherwise the button that a finger is about
 * to tap would act on another alert.
 */
export function rung({ all, shown }: Rung, entry: Entry): Rung {
  const before = all.find(({ alert_id }) => alert_id === shown);
  const others = all.filter(({ alert_id }) => alert_id !== entry.alert_id);
  const isWorse = before === undefined || rank(entry) < rank(before);
  return { all: [...others, entry].slice(-MOST), shown: isWorse ? entry.alert_id : shown };
}

/** Removes an alert. The others are counted and not shown in its place, for the same reason. */
export const without = ({ all, shown }: Rung, alertId: string): Rung => ({
  all: all.filter(({ alert_id }) => alert_id !== alertId),
  shown: shown === alertId ? null : shown,
});

/** The alerts that have rung on a phone, where all of them share one bar. */
export function useRinging(): Ringing {
  const [state, setState] = useState<Rung>(NOTHING);
  const timers = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  useEffect(() => {
    const all = timers.current;
    return () => all.forEach((timer) => clearTimeout(timer));
  }, []);
  const done = useCallback((alertId: string) => {
    clearTimeout(timers.current.get(alertId));
    timers.current.delete(alertId);
    setState((before) => (before.all.some(({ alert_id }) => alert_id === alertId) ? without(before, alertId) : before));
  }, []);
  const ring = useCallback(
    (entry: Entry) => {
      const lasts = TOAST_MS[entry.severity] ?? 0;
      clearTimeout(timers.current.get(entry.alert_id));
      timers.current.delete(entry.alert_id);
      if (Number.isFinite(lasts))
        timers.current.set(
          entry.alert_id,
          setTimeout(() => done(entry.alert_id), lasts),
        );
      setState((before) => rung(before, entry));
    },
    [done],
  );
  const dismiss = useCallback(() => setState(NOTHING), []);
  return useMemo(() => ({ ...state, ring, done, dismiss }), [state, ring, done, dismiss]);
}
