import type { TenantId } from '../tenant';
import type { Act, Alert } from '../wire';
import type { AppendedEvent } from './event-log';

/** An act that is valid in itself, and whose it is. */
export interface AttemptedAct {
  act: Act;
  /** The user. */
  by: string;
  /** With `snooze`: until when. ISO 8601, UTC, milliseconds. */
  until: string | null;
  /** With `assign`: to whom; null is nobody. */
  assignee: string | null;
  /** With `assign`: to whom it has to be assigned until now; undefined asks for nothing. */
  from_assignee?: string | null;
  note: string | null;
  /** Of the request that brings it: its entry's. */
  trace_id: string | null;
}

/** Where whoever acts may do so. */
export interface ActReach {
  /** The tenants whose alerts exist for the user. */
  tenants: readonly TenantId[];
  /** Those of them in which the user's role allows acts. */
  acting: readonly TenantId[];
}

/** What became of an act on one alert, with the alert as it stands then. */
export type ActResult =
  /** It is an entry of the log, to be published. */
  | { outcome: 'acted'; alert: Alert; event: AppendedEvent }
  /** The same user did the same before, and it still stands: nothing was appended. */
  | { outcome: 'unchanged'; alert: Alert }
  /** The alert's status, or its assignee, is another one than the act asks for. */
  | { outcome: 'conflict'; alert: Alert }
  /** It is an alert of a tenant in which the user only reads. */
  | { outcome: 'forbidden' }
  | { outcome: 'not_found' };

/**
 * What people do with alerts. Each act is an entry of the alert's log, and changes the alert with it or not at all.
 *
 * - An act is conditional on the status that it changes (`ACT_RULES`), an assignment on `from_assignee` when it is given,
 *   and on nothing else. Of several at once, one finds the status that it asks for; every other sees what that one made of it.
 * - An act that the same user made before and that still stands is `unchanged`: a lost answer or a double click is never
 *   refused. When it comes with words that are new, these become an entry of their own (`noted`).
 * - Whatever was folded of the alert's repeats is told of by the entry of the act. Messages stored = entries of messages +
 *   folded ones, as before.
 * - Every method may be called side by side with any other and with `EventLog`'s, without a deadlock. `Unavailable` when the
 *   store is away or too slow: then the act may have been made, and making it again is safe.
 */
export abstract class AlertActs {
  /** Acts on each of the alerts, of any tenants: at most 200, each named once, ids as UUIDs. Results stand in their order. */
  abstract act(reach: ActReach, alertIds: readonly string[], act: AttemptedAct): Promise<ActResult[]>;
  /**
   * Ends the snoozes whose time is over: `unsnoozed` by nobody, and the alert fires again. Gives back the entries that this
   * call has appended, at most 500, to be published. Any number of processes may call it side by side.
   */
  abstract wakeSnoozed(): Promise<AppendedEvent[]>;
}
