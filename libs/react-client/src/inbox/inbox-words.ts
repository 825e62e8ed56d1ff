import type { AlertStatus, Severity } from '@tocsin/contracts/wire';
import type { StreamState } from '../stream/status';

/** Everything that the inbox says. English by default; hand over your own. */
export interface InboxWords {
  title: string;
  /** The bell's name. */
  open(count: number, urgent: number): string;
  close: string;
  empty: string;
  /** Instead of `empty` when a search has not looked at all yet. */
  emptySoFar: string;
  more: string;
  acknowledge: string;
  dismiss: string;
  andMore(count: number, urgent: number): string;
  missed(count: number | null): string;
  reload: string;
  severity: Record<Severity, string>;
  status: Record<AlertStatus, string>;
  /** What the inbox says of its connection; an empty text where there is nothing to say. */
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
