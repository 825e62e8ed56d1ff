import { alertsScreens, type AlertStatus, type Entry, type Severity } from '@tocsin/contracts/wire';

/**
 * How long a toast stays, in milliseconds. An urgent one stays until the user acts on it or dismisses it; a low alert
 * gets no toast.
 */
const STAYS_MS: Record<Severity, number> = { urgent: Infinity, high: 10_000, medium: 6_000, low: 0 };
/** How many toasts are kept, shown or counted; older ones are dropped, because users do not read more. */
const MAX_KEPT = 50;

/** The entry that a toast shows, and when it goes by itself, by `Date.now()`. */
export type Toast = Entry & { until: number };

export const toastOf = (entry: Entry, now: number): Toast => ({ ...entry, until: now + STAYS_MS[entry.severity] });

/**
 * Whether a toast is out of date, now that its alert has this status: the alert does not fire, and was not in this
 * status when the toast was shown. An acknowledged alert whose severity is raised has a toast as well.
 */
export const isSettled = (toast: Toast, status: AlertStatus): boolean => status !== 'firing' && status !== toast.status;

/**
 * The toasts after an entry: one for each alert, the newest first. `mayBegin`: whether an alert without a toast may get
 * one. A repeat of the alert renews its toast, and an entry that settles the alert ends it.
 */
export function toastsAfter(toasts: readonly Toast[], entry: Entry, mayBegin: boolean, now: number): readonly Toast[] {
  const { alert_id: alertId, status, previous, change } = entry;
  const known = toasts.find(({ alert_id }) => alert_id === alertId);
  const others = () => toasts.filter((toast) => toast !== known);
  const rings = alertsScreens(entry);
  const isMoved = status !== 'firing' && previous?.status !== status;
  if (known && !rings && (isMoved || isSettled(known, status))) return others();
  const isShown = known ? rings || change === 'repeated' : rings && mayBegin;
  if (!isShown || entry.type !== 'alert' || STAYS_MS[entry.severity] === 0) return toasts;
  return [toastOf(entry, now), ...others()].slice(0, MAX_KEPT);
}
