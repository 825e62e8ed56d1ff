import type { TenantId } from '../tenant';
import type {
  Alert,
  AlertFacets,
  AlertOrder,
  AlertPage,
  AlertPlace,
  AlertStats,
  AlertStatus,
  AlertType,
  Entry,
  Severity,
} from '../wire';

/** Which alerts are meant. A list that is null means any value; an empty one means none. */
export interface AlertSelection {
  status: readonly AlertStatus[] | null;
  severity: readonly Severity[] | null;
  service: readonly string[] | null;
  type: readonly AlertType[] | null;
  name: readonly string[] | null;
  /** Users; null among them stands for alerts that nobody is assigned to. */
  assignee: readonly (string | null)[] | null;
  /** Each with exactly this value. */
  labels: Readonly<Record<string, string>>;
  /** First seen at or after it, and before it. ISO 8601. */
  from: string | null;
  to: string | null;
  /** Each of them is part of title, message or name, in any case. */
  words: readonly string[];
}

export interface AlertListQuery extends AlertSelection {
  order: AlertOrder;
  limit: number;
  /** Only alerts behind it. Null: from the first one on. */
  after: AlertPlace | null;
}

export interface ListedAlerts {
  alerts: Alert[];
  /** Where the next page begins; null when there is none. A page with an end may hold fewer than `limit`, or none. */
  end: AlertPlace | null;
  /** With conditions beyond tenant, status, severity and time: how far this page looked. `end` is there. */
  searched: AlertPage['searched'] | null;
}

/** As much of an alert as who answers for its producer has to know. */
export type NamedAlert = Pick<Alert, 'alert_id' | 'status' | 'service' | 'dedup_key'>;

export interface HistoryQuery {
  /** Only entries with a lower number; null: from the newest on. */
  before: number | null;
  limit: number;
}

export interface StatsQuery {
  from: Date;
  buckets: number;
  bucketSeconds: number;
}

/**
 * What is known of alerts, for whoever may see `tenants`: rows of other tenants do not exist for these questions, whatever
 * else is asked.
 *
 * - Order is total: of two alerts with the same time the ids decide. Pages that follow each other by `end` hold every alert
 *   once that was there all the while and kept its place; by time none ever moves, by severity one does whose severity
 *   changes.
 * - A page looks at a bounded number of alerts, fewer still where words or labels have to be read, and ends where it has; the
 *   pages together hold every alert that matches, whatever the bound. Counts are bounded too, and say so (`complete`).
 * - Every method throws `Unavailable` when the store is away or too slow.
 */
export abstract class AlertQueries {
  abstract list(tenants: readonly TenantId[], query: AlertListQuery): Promise<ListedAlerts>;
  /** Counts by value, each facet without its own condition. `selected`: those of the tenants that the other facets count. */
  abstract facets(
    tenants: readonly TenantId[],
    selected: readonly TenantId[],
    selection: AlertSelection,
  ): Promise<AlertFacets>;
  /** Those of them that exist within `tenants`, in no particular order. An id is a UUID. */
  abstract find(tenants: readonly TenantId[], alertIds: readonly string[]): Promise<Alert[]>;
  /** The alert that a service's messages with this `dedup_key` are about. */
  abstract named(tenant: TenantId, service: string, dedupKey: string): Promise<NamedAlert | undefined>;
  /** An alert's entries, the newest first. `more`: there are older ones. Empty when there is no such alert. */
  abstract history(
    tenant: TenantId,
    alertId: string,
    query: HistoryQuery,
  ): Promise<{ entries: Entry[]; more: boolean }>;
  /** What is open, and what was first seen in each of `buckets` from a time on. */
  abstract stats(tenants: readonly TenantId[], query: StatsQuery): Promise<Omit<AlertStats, 'cursor'>>;
}
