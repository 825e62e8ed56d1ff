/** Where a step has ended. `next` is where the next one goes on; null: there is nothing more, or another process is at it. */
export interface RetentionStep {
  next: string | null;
}

/**
 * Makes room in the log, in short steps that hold nobody up. Only one process does so at a time; what comes second does
 * nothing. Whatever it is asked for, nothing younger than 24 h is touched. Every method throws `Unavailable` when the store
 * is away; a step that was cut is done again by the next run.
 */
export abstract class LogRetention {
  /**
   * Raises the floor of tenants to their last entry that is older than `keptMs`, and deletes nothing. Streams that ask for
   * what is below it are told `gap`, reason `retention`.
   */
  abstract release(keptMs: number, behind?: string): Promise<RetentionStep>;
  /** Deletes entries below the floors that are committed; the one at a floor stays. An alert goes with its last entry. */
  abstract deleteReleased(behind?: string): Promise<RetentionStep & { deleted: number }>;
  /** Forgets ids of messages stored longer than `keptMs` ago: the same message sent again is then a new one. Says how many. */
  abstract forgetIds(keptMs: number): Promise<number>;
}
