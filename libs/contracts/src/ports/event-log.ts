import type { DeadLetter, LogPosition, PlannedEvent, StoredEvent, StreamFilter, StreamHead } from '../event';
import type { TenantId } from '../tenant';

/** The result of appending one planned event. */
export type AppendResult =
  | { outcome: 'stored'; event: StoredEvent }
  /** A repeat of an open alert that repeats too often: it is recorded and counted, but has no entry. */
  | { outcome: 'folded' }
  /**
   * The same message is stored already, as the entry at this position (`entry` is not read again). Null: it was folded.
   */
  | { outcome: 'duplicate'; tenant_id: TenantId; position: LogPosition | null }
  /** Another message is stored under the same tenant, service and id. */
  | { outcome: 'conflict' };

/** An entry that the event log has appended itself. */
export interface AppendedEvent extends StoredEvent {
  tenant_id: TenantId;
}

/**
 * How many of the newest entries are searched at most for those that pass a filter: a filter that nearly no entry
 * passes must not read the whole log.
 */
export const MAX_SEARCHED = 10_000;

/** The newest entries that pass a filter, and their positions. */
export interface NewestEntries {
  /** In order, but not contiguous. */
  events: StoredEvent[];
  /** The position before the first entry; equal to `upTo` when there is none. */
  from: LogPosition;
  /** The head from which the search began. Entries up to here that are not in `events` do not pass. */
  upTo: LogPosition;
  /** How many entries were searched, when fewer were found than requested and there are older ones; else null. */
  searched: number | null;
}

/**
 * The event log, which is the record of every alert. Each tenant has one log, numbered 1, 2, 3 … without holes.
 *
 * - `append` is atomic: it stores the whole batch or nothing, and its results are committed. If entry n can be read, so
 *   can 1 … n-1. It may be called again with the same batch, and side by side with any other, without a deadlock.
 * - Beyond a few in a window, repeats of an open alert that change neither status nor severity are folded: kept by
 *   their key, counted in the alert's `occurrences`, and reported by its next entry (`folded`) or by `appendFolded`.
 *   Messages stored = entries + folded, at any time and after any crash.
 * - Two messages of one batch with the same key: the first is stored, the second is its duplicate (or a conflict).
 * - Every method throws `Unavailable` when the store is away or too slow, `Refused` (code `store_failed`) when the
 *   batch itself cannot be stored, and its subclass `TooSlow` when storing the batch took all the available time. In
 *   each case nothing is half done.
 */
export abstract class EventLog {
  /**
   * Stores a batch of events of any tenants. The results are in the batch's order; within a tenant the numbers follow
   * that order.
   */
  abstract append(planned: readonly PlannedEvent[]): Promise<AppendResult[]>;
  /**
   * Appends the entries that are due for folded repeats: for each alert whose window is over and whose folded repeats
   * no entry has reported, the newest of them becomes an entry that counts the others. Returns the entries that this
   * call has appended, at most 500, for the caller to publish; the next call continues. Any number of processes may
   * call it side by side.
   */
  abstract appendFolded(): Promise<AppendedEvent[]>;
  /**
   * The entries after `seq`, in order, contiguous, at most `limit`. Fewer than `limit` means that there are no more.
   */
  abstract after(tenant: TenantId, seq: number, limit: number): Promise<StoredEvent[]>;
  /** The present position of each tenant, in the order of `tenants`. A tenant without a log gets one, at position 0. */
  abstract heads(tenants: readonly TenantId[]): Promise<StreamHead[]>;
  /** The newest `count` entries that pass, among the newest `MAX_SEARCHED` entries. */
  abstract newest(tenant: TenantId, count: number, passes: StreamFilter): Promise<NewestEntries>;
  /**
   * The position before the first entry that was received at or after `time`. Never above the head, never below the
   * floor.
   */
  abstract startOf(tenant: TenantId, time: Date): Promise<LogPosition>;
  /** Records dead letters. */
  abstract bury(letters: readonly DeadLetter[]): Promise<void>;
  /** Resolves when the event log can be written. */
  abstract check(): Promise<void>;
}
