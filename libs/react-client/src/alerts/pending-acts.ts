import type { Act, Alert, AlertAct, AlertStatus } from '@tocsin/contracts/wire';

/** What an act makes of an alert's status; null: nothing. */
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

/** Acts that were sent and are not answered yet: shown as if they were done. */
export class PendingActs {
  private readonly byAlert = new Map<string, Pending[]>();
  /** What was made of an alert by which acts: whoever looks twice sees the same object, on which React insists. */
  private readonly made = new WeakMap<Alert, { by: readonly Pending[]; alert: Alert }>();

  has(alertId: string): boolean {
    return this.byAlert.has(alertId);
  }

  /** Returns what ends it, once it was answered either way. */
  add(alertId: string, act: AlertAct, by: string | undefined): () => void {
    const pending: Pending = { act, by: by ?? null, at: new Date().toISOString() };
    this.byAlert.set(alertId, [...(this.byAlert.get(alertId) ?? []), pending]);
    return () => {
      const left = (this.byAlert.get(alertId) ?? []).filter((one) => one !== pending);
      if (left.length > 0) this.byAlert.set(alertId, left);
      else this.byAlert.delete(alertId);
    };
  }

  /** The alert as it will be: itself when nothing is pending, and otherwise the same object until something changes. */
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
    snoozed_until: act.act === 'snooze' ? (act.until ?? null) : null,
  };
}
