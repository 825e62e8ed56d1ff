import type { DeadLetter, LogPosition, PlannedEvent, StoredEvent, StreamFilter, StreamHead } from '../event';
import type { TenantId } from '../tenant';

/** What became of one planned event. */
export type AppendResult =
  | { outcome: 'stored'; event: StoredEvent }
  /** One more repeat of an open alert that repeats too often: on record and counted, but no entry. */
  | { outcome: 'folded' }
  /** The same message is stored already, as the entry at this position (`entry` is not read again); null: it was folded. */
  | { outcome: 'duplicate'; tenant_id: TenantId; position: LogPosition | null }
  /** Another message is stored under the same tenant, service and id. */
  | { outcome: 'conflict' };

/** An entry that the log has made of what it had. */
export interface AppendedEvent extends StoredEvent {
  tenant_id: TenantId;
}

/** How many of a log's newest entries are searched for those that pass a filter, at most: one that hardly anything passes must not read a whole log. */
export const MAX_SEARCHED = 10_000;

/** The newest entries that pass a filter, and where they stand. */
export interface NewestEntries {
  /** In order, not contiguous. */
  events: StoredEvent[];
  /** The position before the first of them; the same as `upTo` when there is none. */
  from: LogPosition;
  /** The head that was searched from: what lies between the entries, up to here, does not pass. */
  upTo: LogPosition;
  /** How many entries were searched, when fewer were found than asked for and there are older ones; else null. */
  searched: number | null;
}

/**
 * The record. One log a tenant, numbered 1, 2, 3 … without holes.
 *
 * - `append` is atomic: all of the batch or nothing is stored, and what it returns is committed. If entry n can be read,
 *   so can 1 … n-1. It may be called again with the same batch, and side by side with any other, without a deadlock.
 * - Beyond a few in a window, repeats of an open alert that change neither status nor severity are folded: kept by their
 *   key, counted in the alert's `occurrences`, and told of by its next entry (`folded`) or by `appendFolded`. Messages
 *   stored = entries + folded, at any time and whatever crashed.
 * - Two messages of one batch with the same key: the first is stored, the second is its duplicate (or a conflict).
 * - Every method throws `Unavailable` when the store is away or too slow, `Refused` (code `store_failed`) when it is the
 *   batch that cannot be stored, `TooSlow` among them when that took all the time there is. Nothing is half done in any case.
 */
export abstract class EventLog {
  /** Stores a batch of events of any tenants. Results stand in the batch's order; numbers follow it within a tenant. */
  abstract append(planned: readonly PlannedEvent[]): Promise<AppendResult[]>;
  /**
   * Appends what is due of folded repeats: for each alert whose window is over and whose folded repeats no entry has told
   * of, the newest of them becomes an entry that counts the others. Gives back the entries that this call has appended, at
   * most 500, to be published; the next call goes on from there. Any number of processes may call it side by side.
   */
  abstract appendFolded(): Promise<AppendedEvent[]>;
  /** The entries behind `seq`, in order, contiguous, at most `limit`. Fewer than `limit` means that these were all. */
  abstract after(tenant: TenantId, seq: number, limit: number): Promise<StoredEvent[]>;
  /** The present position of each tenant, in the order asked for. A tenant without a log gets one, at position 0. */
  abstract heads(tenants: readonly TenantId[]): Promise<StreamHead[]>;
  /** The newest `count` entries that pass, of the newest `MAX_SEARCHED` that there are. */
  abstract newest(tenant: TenantId, count: number, passes: StreamFilter): Promise<NewestEntries>;
  /** The position behind which the entries received from `time` on begin. Never above the head, never below the floor. */
  abstract startOf(tenant: TenantId, time: Date): Promise<LogPosition>;
  /** Puts dead letters on record. */
  abstract bury(letters: readonly DeadLetter[]): Promise<void>;
  /** Resolves when the log can be written to. */
  abstract check(): Promise<void>;
}
