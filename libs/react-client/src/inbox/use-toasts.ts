import { useCallback, useEffect, useRef, useState } from 'react';
import type { Entry } from '@tocsin/contracts/wire';
import { useAlertStore, useAlertStream } from '../react/hooks';
import { isSettled, toastOf, toastsAfter, type Toast } from './toasts-after';

const MAX_SHOWN = 3;

export interface Toasts {
  shown: readonly Entry[];
  /** How many more toasts wait for room, and how many of them are urgent. */
  behind: { count: number; urgent: number };
  dismiss(alertId: string): void;
  /** Shows a toast again that was dismissed too early, unless the alert has a newer one. */
  restore(toast: Entry): void;
  dismissAll(): void;
  /** Stops the toasts from expiring while the pointer or the focus is on this element; null ends that. */
  hold(by: Element | null): void;
}

/** One toast for each alert, in the tab that is chosen to toast: a new one needs `heard.notify`. */
export function useToasts(enabled: boolean): Toasts {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const heldBy = useRef<Element>(null);
  const store = useAlertStore();
  const dismiss = useCallback(
    (alertId: string) => setToasts((all) => all.filter(({ alert_id }) => alert_id !== alertId)),
    [],
  );

  /** After entries were missed: an alert that was settled meanwhile has no toast. */
  const recheck = () =>
    void store.lookAgain(
      toasts.map(({ alert_id }) => alert_id),
      (alertId, { status }) =>
        setToasts((all) => all.filter((toast) => toast.alert_id !== alertId || !isSettled(toast, status))),
    );
  useAlertStream({
    gap: recheck,
    fresh: recheck,
    entry: (entry, { notify }) => {
      const now = Date.now();
      setToasts((all) => toastsAfter(all, entry, enabled && notify, now));
    },
  });

  const next = Math.min(...toasts.map(({ until }) => until));
  useEffect(() => {
    if (next === Infinity) return;
    const timer = setInterval(() => {
      // a button that is removed under the pointer, or with the focus on it, sends no event
      if (!heldBy.current?.matches(':hover, :focus-within'))
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
        setToasts((all) =>
          all.some(({ alert_id }) => alert_id === toast.alert_id) ? all : [toastOf(toast, Date.now()), ...all],
        ),
      [],
    ),
    dismissAll: useCallback(() => setToasts([]), []),
    hold: useCallback((by: Element | null) => void (heldBy.current = by), []),
  };
}
