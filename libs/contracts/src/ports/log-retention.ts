/**
 * Where a step ended. The next step continues at `next`. Null: nothing is left, or another process is doing this
 * already.
 */
export interface RetentionStep {
  next: string | null;
}

/**
 * Deletes old data from the event log, in short steps that block no other work. Only one process does so at a time; a
 * second one does nothing. Data younger than 24 h is never touched, with any arguments. Every method throws
 * `Unavailable` when the store is away; the next run repeats a step that was interrupted.
 */
export abstract class LogRetention {
  /**
   * Raises the floor of tenants to their last entry that is older than `keptMs`, and deletes nothing. Streams that ask
   * for an entry below the floor get `gap`, reason `retention`.
   */
  abstract release(keptMs: number, behind?: string): Promise<RetentionStep>;
  /**
   * Deletes entries below the committed floors; the entry at a floor stays. An alert is deleted with its last
   * entry, unless it is open and a user has acknowledged, snoozed or assigned it. Deliveries are deleted with the entry
   * that they tell of.
   */
  abstract deleteReleased(behind?: string): Promise<RetentionStep & { deleted: number }>;
  /**
   * Deletes the deliveries of notifications that were settled longer than `keptMs` ago, with their attempts, and the
   * notifications that ended longer than `keptMs` ago and have no delivery left: also in tenants that have no entry. A
   * notification of a digest goes when its digest ended that long ago, or is gone. Deliveries of entries are deleted
   * with their entries. `deleted` counts deliveries and notifications.
   */
  abstract deleteSettled(keptMs: number, behind?: string): Promise<RetentionStep & { deleted: number }>;
  /**
   * Deletes the ids of messages stored longer than `keptMs` ago, and returns how many. The same message sent again is a
   * new one then.
   */
  abstract forgetIds(keptMs: number): Promise<number>;
}
