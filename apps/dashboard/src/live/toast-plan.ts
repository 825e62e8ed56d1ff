import { RINGING_CHANGES, type Entry, type Severity } from '@tocsin/contracts/wire';

/** More than this many within the window are one burst, and one toast. */
const BURST = 5;
const BURST_WINDOW_MS = 3_000;
/** Toasts that stand at once; what comes on top is counted. */
const MOST_TOASTS = 3;
/** How long a toast stands. Infinity: until somebody acts on it or sends it away. */
export const TOAST_MS: Partial<Record<Severity, number>> = {
  urgent: Number.POSITIVE_INFINITY,
  high: 10_000,
  medium: 6_000,
};

type ToastPlan =
  | { kind: 'none' }
  /** A toast of its own, or a newer text for the one that stands. */
  | { kind: 'alert' }
  /** Counted in the one that says how many more. `urgent` of `count`. */
  | { kind: 'more' | 'burst'; count: number; urgent: number }
  /** Somebody took care of it elsewhere. */
  | { kind: 'settled' };

/** Whether an entry is news that interrupts: an alert that rings, of a severity that is worth it. */
export const interrupts = ({ change, type, severity, actor }: Entry): boolean =>
  (RINGING_CHANGES as readonly string[]).includes(change) &&
  actor === null &&
  type === 'alert' &&
  TOAST_MS[severity] !== undefined;

/** Decides what becomes of each entry among the toasts that stand. It draws nothing. */
export class ToastPlanner {
  private readonly standing = new Set<string>();
  private readonly recent: { at: number; urgent: boolean }[] = [];
  private more = { count: 0, urgent: 0 };
  private burst = { count: 0, urgent: 0 };

  /** `now` in milliseconds, of any clock. */
  plan(entry: Entry, now: number): ToastPlan {
    if (this.standing.has(entry.alert_id)) {
      const isRepeat = entry.status === 'firing';
      return isRepeat ? { kind: 'alert' } : { kind: 'settled' };
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
    this.standing.add(entry.alert_id);
    return { kind: 'alert' };
  }

  /** A toast has gone: of an alert, or one of the two that count. */
  gone(id: string): void {
    if (id === 'more') this.more = { count: 0, urgent: 0 };
    else if (id === 'burst') this.burst = { count: 0, urgent: 0 };
    else this.standing.delete(id);
  }

  has(alertId: string): boolean {
    return this.standing.has(alertId);
  }

  /** Those that stand for an alert each, which a burst takes the place of. */
  clear(): string[] {
    const ids = [...this.standing];
    this.standing.clear();
    return ids;
  }
}
