import type { Alert } from './alerts';
import type { AlertStatus, Change } from './alert-values';

/** What a person may do with an alert. Each act can be undone by another, except a note, which is a record. */
export const ACTS = [
  'acknowledge',
  'unacknowledge',
  'resolve',
  'reopen',
  'snooze',
  'unsnooze',
  'assign',
  'note',
] as const;
export type Act = (typeof ACTS)[number];

/** The statuses that an act requires, and the status that it sets. Null: any status, and the status stays. */
export interface ActRule {
  from: readonly AlertStatus[] | null;
  to: AlertStatus | null;
  change: Change;
}

/**
 * The conditions of the acts. They are on the status alone: other changes meanwhile, such as repeats or another
 * severity, refuse no act. So an act that an alert's status allows can always be made.
 */
export const ACT_RULES: Readonly<Record<Act, ActRule>> = {
  acknowledge: { from: ['firing', 'snoozed'], to: 'acknowledged', change: 'acknowledged' },
  unacknowledge: { from: ['acknowledged'], to: 'firing', change: 'unacknowledged' },
  resolve: { from: ['firing', 'acknowledged', 'snoozed'], to: 'resolved', change: 'resolved' },
  reopen: { from: ['resolved'], to: 'firing', change: 'reopened' },
  snooze: { from: ['firing', 'acknowledged', 'snoozed'], to: 'snoozed', change: 'snoozed' },
  unsnooze: { from: ['snoozed'], to: 'firing', change: 'unsnoozed' },
  assign: { from: null, to: null, change: 'assigned' },
  note: { from: null, to: null, change: 'noted' },
};

/** The body of `PATCH /api/v1/alerts/:id`. */
export interface AlertAct {
  act: Act;
  /** With `snooze`: the end of the snooze. ISO 8601, at most 30 days ahead. */
  until?: string;
  /** With `assign`: a user; null removes the assignee. */
  assignee?: string | null;
  /** With `assign`: the assignee that the caller expects; another one is a conflict. */
  from_assignee?: string | null;
  /** With any act, required with `note`: up to 2,000 characters. */
  note?: string;
}

/** The body of `PATCH /api/v1/alerts`: the same for up to 200 alerts by id. */
export interface BulkAct extends AlertAct {
  alert_ids: string[];
}

/**
 * The result for each alert: the alert as it is now, or the reason (`not_found`, `alert_conflict`, `role_forbidden`).
 */
export interface BulkActed {
  alerts: Alert[];
  refused: { alert_id: string; code: string; detail: string }[];
}
