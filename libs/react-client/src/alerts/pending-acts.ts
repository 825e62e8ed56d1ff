import type { Act, Alert, AlertAct, AlertStatus } from '@tocsin/contracts/wire';

/** The status of an alert after an act; null: the act leaves it as it is. */
const BECOMES: Record<Act, AlertStatus | null> = {
  acknowledge: 'acknowledged',
  unacknowledge: 'firing',
  resolve: 'resolved',
  reopen: 'firing',
  snooze: 'snoozed',
  unsnooze: 'firing',
  assign: null,
  note: null,
};

interface Pending {
  act: AlertAct;
  by: string | null;
  at: string;
}

/** Acts that were sent and have no response yet. They are shown as if they were done. */
export class PendingActs {
  private readonly byAlert = new Map<string, Pending[]>();
  /** The alert as it is shown, cached by the alert and its pending acts: React needs the same object from two reads. */
  private readonly made = new WeakMap<Alert, { by: readonly Pending[]; alert: Alert }>();

  has(alertId: string): boolean {
    return this.byAlert.has(alertId);
  }

  /** Adds a pending act. Returns a function that removes it: call it when the response came, with any result. */
  add(alertId: string, act: AlertAct, by: string | undefined): () => void {
    const pending: Pending = { act, by: by ?? null, at: new Date().toISOString() };
    this.byAlert.set(alertId, [...(this.byAlert.get(alertId) ?? []), pending]);
    return () => {
      const left = (this.byAlert.get(alertId) ?? []).filter((one) => one !== pending);
      if (left.length > 0) this.byAlert.set(alertId, left);
      else this.byAlert.delete(alertId);
    };
  }

  /**
   * The alert as it will be after its pending acts. Without any it is the alert itself; otherwise the same object until
   * something changes.
   */
  shown(alert: Alert): Alert {
    const pending = this.byAlert.get(alert.alert_id);
    if (!pending) return alert;
    const made = this.made.get(alert);
    if (made?.by === pending) return made.alert;
    const shown = pending.reduce(after, alert);
    this.made.set(alert, { by: pending, alert: shown });
    return shown;
  }
}

function after(alert: Alert, { act, by, at }: Pending): Alert {
  if (act.act === 'assign') return { ...alert, assignee: act.assignee === 'me' ? by : (act.assignee ?? null) };
  const status = BECOMES[act.act];
  if (status === null) return alert;
  return {
    ...alert,
    status,
    actor: by,
    acted_at: at,
    opened_at: alert.status === 'resolved' && status !== 'resolved' ? at : alert.opened_at,
    resolved_at: status === 'resolved' ? (alert.resolved_at ?? at) : null,
    while_open: status !== 'resolved' ? null : (alert.while_open ?? { title: alert.title, message: alert.message }),
    snoozed_until: act.act === 'snooze' ? (act.until ?? null) : null,
    // an alert without an assignee is assigned to the user who acknowledges it
    assignee: act.act === 'acknowledge' ? (alert.assignee ?? by) : alert.assignee,
  };
}
