import type { Act, AlertStatus, Change, Severity } from '@tocsin/contracts/wire';
import type { StreamState } from '../stream/status';

/** The tabs of the inbox. */
export const INBOX_TABS = ['all', 'mine', 'urgent'] as const;
export type InboxTab = (typeof INBOX_TABS)[number];

/** The choices of how long an alert is snoozed. */
export const SNOOZES = ['hour', 'hours', 'tomorrow', 'week'] as const;
export type SnoozeChoice = (typeof SNOOZES)[number];

/** All texts of the inbox. Built in are English and Spanish; pass your own as `words`, all or some. */
export interface InboxWords {
  title: string;
  /**
   * The accessible name of the bell button: how many alerts are unseen and urgent or high, how many of them are urgent,
   * and whether there may be more.
   */
  unseen(count: number, urgent: number, more: boolean): string;
  close: string;
  tabs: Record<InboxTab, string>;
  loading: string;
  /** What an empty tab says while the connection is live. */
  empty: string | Record<InboxTab, string>;
  /** Shown instead of `empty` when the server has not searched everything yet. */
  emptySoFar: string;
  /**
   * Shown instead of `empty` when the connection is not live: when the list was last known to be empty. `time` is a
   * time of day, with its weekday or date when that is not today: "09:05", "Fri 09:05", "13 Mar, 09:05".
   */
  emptyAsOf(time: string): string;
  more: string;
  retry: string;
  acknowledge: string;
  dismiss: string;
  andMore(count: number, urgent: number): string;
  missed(count: number | null): string;
  reload: string;
  severity: Record<Severity, string>;
  status: Record<AlertStatus, string>;
  /** The text for each state of the connection; an empty text shows nothing. */
  state: Record<StreamState, string>;
  /** What the user can do in that state; an empty text shows nothing. */
  advice: Partial<Record<StreamState, string>>;
  signIn: string;
  /** Why an act was refused: `code` is the gateway's error code, and `detail` its own sentence. */
  refused(detail: string, code: string): string;
  /** Why a list could not be loaded; the same values. */
  failed(detail: string, code: string): string;

  /** The name of the button that shows the details of an alert. */
  details: string;
  back: string;
  missing: string;
  labels: string;
  history: string;
  /** The name of the group of buttons that act on the alert. */
  acts: string;
  act: Record<Exclude<Act, 'note' | 'assign'>, string>;
  assignToMe: string;
  unassign: string;
  snoozes: Record<SnoozeChoice, string>;
  occurrences(count: number): string;
  firstSeen: string;
  lastSeen: string;
  /** What an entry of the history says happened. */
  change: Record<Change, string>;
  /** The same of an entry that gave the alert an assignee, and of one that removed it. */
  wasAssignedTo(name: string): string;
  wasUnassigned: string;
  by(name: string): string;
  you: string;
  assignedTo(name: string): string;
  acknowledgedBy(name: string): string;
  /** `time` is written as in `emptyAsOf`. */
  snoozedUntil(time: string): string;
}
