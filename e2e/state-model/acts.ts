import type { Act, AlertStatus, Change } from '@tocsin/contracts/wire';
import type { During } from './fold-window';
import type { ModelAlert } from './model';

/** An act that a user attempts. `until` is the time itself. */
export interface Doing {
  user: string;
  act: Act;
  until?: string;
  assignee?: string | null;
  from_assignee?: string | null;
  note?: string;
}

/** The last act, which may still apply: the user, the act, its note and its time. */
export interface LastAct extends Doing {
  at: During;
}

/** `nothing`: the response is 200 with the alert, and there is no entry. */
export type Judged =
  { answer: 200; change: Change | 'nothing' } | { answer: 409 } | { answer: 'either'; change: Change };

/** The table of docs/acts.md. */
const TABLE: Readonly<Record<Act, { from: readonly AlertStatus[]; to: AlertStatus | null; change: Change }>> = {
  acknowledge: { from: ['firing', 'snoozed'], to: 'acknowledged', change: 'acknowledged' },
  unacknowledge: { from: ['acknowledged'], to: 'firing', change: 'unacknowledged' },
  resolve: { from: ['firing', 'acknowledged', 'snoozed'], to: 'resolved', change: 'resolved' },
  reopen: { from: ['resolved'], to: 'firing', change: 'reopened' },
  snooze: { from: ['firing', 'acknowledged', 'snoozed'], to: 'snoozed', change: 'snoozed' },
  unsnooze: { from: ['snoozed'], to: 'firing', change: 'unsnoozed' },
  assign: { from: [], to: null, change: 'assigned' },
  note: { from: [], to: null, change: 'noted' },
};
/** "The same words by the same user within a minute are one note." */
const SAME_NOTE_MS = 60_000;

export function judgeAct(alert: ModelAlert, doing: Doing, now: During): Judged {
  const { change, from } = TABLE[doing.act];
  if (doing.act === 'note') return words(alert, doing, now);
  if (stands(alert, doing))
    return doing.note === undefined ? { answer: 200, change: 'nothing' } : words(alert, doing, now);
  if (doing.act === 'assign') {
    const isAsKnown = doing.from_assignee === undefined || doing.from_assignee === alert.assignee;
    return isAsKnown ? { answer: 200, change } : { answer: 409 };
  }
  return from.includes(alert.status) ? { answer: 200, change } : { answer: 409 };
}

/**
 * Whether this user did exactly this, and nothing has changed it since. An assignment to the present assignee changes
 * nothing.
 */
function stands(alert: ModelAlert, { act, user, until, assignee }: Doing): boolean {
  if (act === 'assign') return alert.assignee === assignee;
  const last = alert.lastActs.findLast((one) => TABLE[one.act].to !== null);
  if (last?.act !== act || last.user !== user) return false;
  return alert.status === TABLE[act].to && alert.actor === user && last.until === until;
}

/** A note is an entry of its own, unless the same note was written just before. */
function words(alert: ModelAlert, { user, note }: Doing, now: During): Judged {
  const said = alert.lastActs.findLast((one) => one.user === user && one.note === note);
  if (!said || now.from > said.at.to + SAME_NOTE_MS) return { answer: 200, change: 'noted' };
  return now.to < said.at.from + SAME_NOTE_MS
    ? { answer: 200, change: 'nothing' }
    : { answer: 'either', change: 'noted' };
}

/** Applies an act that has its entry to the alert. */
export function applyAct(alert: ModelAlert, doing: Doing, change: Change, at: During): void {
  const act: Act = change === 'noted' ? 'note' : doing.act;
  alert.lastActs.push({ ...doing, act, at });
  if (act === 'assign') alert.assignee = doing.assignee ?? null;
  assignByAcknowledging(alert, doing.user, act);
  const { to } = TABLE[act];
  if (to === null) return;
  alert.status = to;
  alert.actor = doing.user;
  alert.snoozedUntil = act === 'snooze' ? doing.until! : null;
}

/**
 * Acknowledging an alert without an assignee assigns it, and taking the acknowledgement back removes that; an
 * assignment in between stays.
 */
function assignByAcknowledging(alert: ModelAlert, user: string, act: Act): void {
  if (act === 'acknowledge') {
    alert.isAssignedByAcknowledging = alert.assignee === null;
    alert.assignee ??= user;
  }
  if (act === 'assign') alert.isAssignedByAcknowledging = false;
  if (act === 'unacknowledge' && alert.isAssignedByAcknowledging) alert.assignee = null;
}
