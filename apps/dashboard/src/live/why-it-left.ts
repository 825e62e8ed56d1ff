import type { Alert } from '@tocsin/contracts/wire';

/** A row that left the list and is still shown for a moment. */
export interface Leaving {
  /** The alert as it was when the list last had it. */
  was: Alert;
  /** The alert as it is now; undefined: not known. */
  now: Alert | undefined;
}

/** Why a row leaves: the change that ended its place in the list. `unknown` is shown as nothing. */
export type WhyItLeft = 'status' | 'unassigned' | 'assigned' | 'no_match' | 'unknown';

export function whyItLeft({ was, now }: Leaving): WhyItLeft {
  if (!now) return 'unknown';
  if (now.status !== was.status) return 'status';
  if (now.assignee !== was.assignee) return now.assignee === null ? 'unassigned' : 'assigned';
  // the same version of the alert: what took it off the list is not in the alert
  return now.last_seq === was.last_seq ? 'unknown' : 'no_match';
}
