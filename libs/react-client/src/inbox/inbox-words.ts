import type { AlertStatus, Severity } from '@tocsin/contracts/wire';
import type { StreamState } from '../stream/status';

/** All texts of the inbox. The default is English; pass your own as `words`. */
export interface InboxWords {
  title: string;
  /** The accessible name of the bell button. */
  open(count: number, urgent: number): string;
  close: string;
  empty: string;
  /** Shown instead of `empty` when the server has not searched everything yet. */
  emptySoFar: string;
  more: string;
  acknowledge: string;
  dismiss: string;
  andMore(count: number, urgent: number): string;
  missed(count: number | null): string;
  reload: string;
  severity: Record<Severity, string>;
  status: Record<AlertStatus, string>;
  /** The text for each state of the connection; an empty text shows nothing. */
  state: Record<StreamState, string>;
  signIn: string;
  refused(detail: string): string;
}

export const ENGLISH: InboxWords = {
  title: 'Alerts',
  open: (count, urgent) =>
    count === 0 ? 'Alerts: none open' : `Alerts: ${count} open${urgent > 0 ? `, ${urgent} urgent` : ''}`,
  close: 'Close',
  empty: 'All quiet.',
  emptySoFar: 'Nothing found so far.',
  more: 'Show more',
  acknowledge: 'Acknowledge',
  dismiss: 'Dismiss',
  andMore: (count, urgent) => `and ${count} more${urgent > 0 ? ` · ${urgent} urgent` : ''}`,
  missed: (count) =>
    count === null
      ? 'Some alerts could not be replayed.'
      : `${count} ${count === 1 ? 'alert' : 'alerts'} could not be replayed.`,
  reload: 'Load them',
  severity: { urgent: 'urgent', high: 'high', medium: 'medium', low: 'low' },
  status: { firing: '', acknowledged: 'acknowledged', snoozed: 'snoozed', resolved: 'resolved' },
  state: {
    closed: '',
    live: '',
    connecting: 'Connecting…',
    catching_up: 'Catching up…',
    stale: 'Not hearing the server',
    reconnecting: 'Reconnecting…',
    offline: 'You are offline',
    signed_out: 'Your session has ended',
    forbidden: 'You may not see alerts',
  },
  signIn: 'Sign in again',
  refused: (detail) => detail,
};
