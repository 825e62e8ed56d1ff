import { alertsScreens, type AlertStatus, type Change, type Entry, type Severity } from '@tocsin/contracts/wire';

/** More alerts than this within the window are a burst and share one toast. */
const BURST = 5;
const BURST_WINDOW_MS = 3_000;
/** How many toasts are shown at once; further alerts are only counted. */
const MOST_TOASTS = 3;
/**
 * How long a toast is shown, in milliseconds. Infinity: until the user acts on it or dismisses it. A severity that is
 * missing gets no toast.
 */
export const TOAST_MS: Partial<Record<Severity, number>> = {
  urgent: Number.POSITIVE_INFINITY,
  high: 10_000,
  medium: 6_000,
};

type ToastPlan =
  | { kind: 'none' }
  /** Show a toast for this alert, or renew the one that is shown. */
  | { kind: 'alert' }
  /**
   * Only count it, in the toast that says how many more there are or how many a burst has. `urgent` is a part of
   * `count`.
   */
  | { kind: 'more' | 'burst'; count: number; urgent: number }
  /** The alert was taken, snoozed or resolved: by another user, in another tab, or by its service. */
  | { kind: 'settled' };

/** Whether an entry may interrupt the user: it alerts screens, is of an alert, and its severity gets a toast. */
export const interrupts = (entry: Entry): boolean =>
  alertsScreens(entry) && entry.type === 'alert' && TOAST_MS[entry.severity] !== undefined;

/** The changes after which an alert need not be looked at any more. */
const SETTLING: readonly Change[] = ['acknowledged', 'snoozed', 'resolved'];

/**
 * Whether an entry ends the alarm of its alert. The change decides and not the status: an alert that is acknowledged
 * rings again when it becomes more severe, stays acknowledged, and its next repeat would end an alarm that the user has
 * not seen yet.
 */
export const settles = ({ change }: Pick<Entry, 'change'>): boolean => SETTLING.includes(change);

/** Decides what to do with each entry, given the toasts that are shown. It renders nothing. */
export class ToastPlanner {
  /** The alerts that have a toast, each with the status that it shows. */
  private readonly standing = new Map<string, AlertStatus>();
  private readonly recent: { at: number; urgent: boolean }[] = [];
  private more = { count: 0, urgent: 0 };
  private burst = { count: 0, urgent: 0 };

  /** `now` is in milliseconds, of any clock that does not jump. */
  plan(entry: Entry, now: number): ToastPlan {
    if (this.standing.has(entry.alert_id)) {
      this.standing.set(entry.alert_id, entry.status);
      return { kind: settles(entry) ? 'settled' : 'alert' };
    }
    if (!interrupts(entry)) return { kind: 'none' };
    const urgent = Number(entry.severity === 'urgent');
    while (this.recent.length > 0 && this.recent[0]!.at <= now - BURST_WINDOW_MS) this.recent.shift();
    this.recent.push({ at: now, urgent: urgent > 0 });
    if (this.recent.length > BURST) {
      if (this.burst.count === 0)
        this.burst = { count: BURST, urgent: this.recent.slice(0, BURST).filter((one) => one.urgent).length };
      this.burst = { count: this.burst.count + 1, urgent: this.burst.urgent + urgent };
      return { kind: 'burst', ...this.burst };
    }
    if (this.standing.size >= MOST_TOASTS) {
      this.more = { count: this.more.count + 1, urgent: this.more.urgent + urgent };
      return { kind: 'more', ...this.more };
    }
    this.standing.set(entry.alert_id, entry.status);
    return { kind: 'alert' };
  }

  /** Call it when a toast has gone. `id` is an alert's id, `more` or `burst`. */
  gone(id: string): void {
    if (id === 'more') this.more = { count: 0, urgent: 0 };
    else if (id === 'burst') this.burst = { count: 0, urgent: 0 };
    else this.standing.delete(id);
  }

  has(alertId: string): boolean {
    return this.standing.has(alertId);
  }

  /** The alerts that have a toast, each with the status that it shows. */
  all(): ReadonlyMap<string, AlertStatus> {
    return new Map(this.standing);
  }

  /** Removes all alerts' toasts from the plan, because a burst replaces them. Returns their ids. */
  clear(): string[] {
    const ids = [...this.standing.keys()];
    this.standing.clear();
    return ids;
  }
}
