import type { TenantId } from '../tenant';
import type { Act, Alert } from '../wire';
import type { AppendedEvent } from './event-log';

/** An act that is valid in itself, with its user. */
export interface AttemptedAct {
  act: Act;
  /** The user who acts. */
  by: string;
  /** With `snooze`: the end of the snooze. ISO 8601, UTC, milliseconds. */
  until: string | null;
  /**
   * With `assign`: the new assignee; null removes the assignee. With `acknowledge`: the user to whom an alert without
   * an assignee is assigned; null: it stays without one. `unacknowledge` takes that assignment back.
   */
  assignee: string | null;
  /** With `assign`: the assignee that the alert must have until now; undefined requires nothing. */
  from_assignee?: string | null;
  note: string | null;
  /** The trace id of the request. The entry of the act gets it. */
  trace_id: string | null;
}

/** In which tenants the user may act. */
export interface ActReach {
  /** The tenants whose alerts the user can see. */
  tenants: readonly TenantId[];
  /** Those of them in which the user's role allows acts. */
  acting: readonly TenantId[];
}

/** The result of an act on one alert, with the alert as it is then. */
export type ActResult =
  /** The act is an entry of the event log, which the caller publishes. */
  | { outcome: 'acted'; alert: Alert; event: AppendedEvent }
  /** The same user did the same before, and it still applies: nothing was appended. */
  | { outcome: 'unchanged'; alert: Alert }
  /** The alert's status or assignee differs from the one that the act requires. */
  | { outcome: 'conflict'; alert: Alert }
  /** The user may only read in the alert's tenant. */
  | { outcome: 'forbidden' }
  | { outcome: 'not_found' };

/**
 * What people do with alerts. Each act is an entry of the event log. The entry and the change of the alert are stored
 * together or not at all.
 *
 * - An act is conditional on the alert's status (`ACT_RULES`), and an assignment on `from_assignee` when it is given.
 *   There are no other conditions. Of several acts at once, one finds the status that it requires; every other one
 *   finds the result of the first.
 * - An act that the same user made before and that still applies is `unchanged`: a retry after a lost response or a
 *   double click is never refused. If it comes with a new note, the note becomes an entry of its own (`noted`).
 * - The entry of the act reports all folded repeats of the alert so far. Messages stored = entries of messages + folded
 *   ones, as before.
 * - Every method may be called side by side with any other and with `EventLog`'s, without a deadlock. `Unavailable`
 *   when the store is away or too slow: then the act may have been made, and making it again is safe.
 */
export abstract class AlertActs {
  /**
   * Acts on each of the alerts, of any tenants: at most 200, each id once, ids as UUIDs. The results are in the order
   * of the ids.
   */
  abstract act(reach: ActReach, alertIds: readonly string[], act: AttemptedAct): Promise<ActResult[]>;
  /**
   * Ends the snoozes whose time is over: appends `unsnoozed` without an actor, and the alert fires again. Returns the
   * entries that this call has appended, at most 500, for the caller to publish. Any number of processes may call it
   * side by side. With `plans`, the default, those who were told when the alert last rang are told again; without it,
   * no delivery is planned.
   */
  abstract wakeSnoozed(plans?: boolean): Promise<AppendedEvent[]>;
}
