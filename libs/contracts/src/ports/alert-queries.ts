import type { TenantId } from '../tenant';
import type {
  Alert,
  AlertFacets,
  AlertGroup,
  AlertOrder,
  AlertPage,
  AlertPlace,
  AlertStats,
  AlertStatus,
  AlertType,
  Entry,
  ListOrder,
  Severity,
  TenantStats,
  TenantStatsPage,
} from '../wire';

/** Selects alerts. A list that is null admits any value; an empty list admits none. */
export interface AlertSelection {
  status: readonly AlertStatus[] | null;
  severity: readonly Severity[] | null;
  service: readonly string[] | null;
  /** The alert is of none of these services. */
  notService: readonly string[];
  type: readonly AlertType[] | null;
  /** Null in the list selects alerts without a name. */
  name: readonly (string | null)[] | null;
  /** Users. Null in the list selects alerts without an assignee. */
  assignee: readonly (string | null)[] | null;
  /** The alert has each of these labels, with exactly this value; null: it does not have the label. */
  labels: Readonly<Record<string, string | null>>;
  /** First seen at or after `from`, and before `to`. ISO 8601. */
  from: string | null;
  to: string | null;
  /** Title, message or name contains each of these words. Case does not matter. */
  words: readonly string[];
}

export interface AlertListQuery extends AlertSelection {
  /** `resolved`: only alerts that are resolved are in the list, whatever `status` says. */
  order: ListOrder;
  limit: number;
  /** Only alerts after this place. Null: from the first one on. */
  after: AlertPlace | null;
}

export interface ListedAlerts {
  alerts: Alert[];
  /**
   * Where the next page begins; null when there is none. A page that is not the last may hold fewer than `limit`
   * alerts, or none.
   */
  end: AlertPlace | null;
  /**
   * How far this page searched, if there are conditions beyond tenant, status, severity and time. `end` is set then.
   */
  searched: AlertPage['searched'] | null;
}

/** The part of an alert that a response to its producer needs. */
export type NamedAlert = Pick<Alert, 'alert_id' | 'status' | 'service' | 'dedup_key'>;

export interface HistoryQuery {
  /** Only entries with a lower number; null: from the newest on. */
  before: number | null;
  limit: number;
}

/** Where a group stands in the order of groups. `key` null: the group of those that have none. */
export interface AlertGroupPlace {
  severity: Severity;
  /** When its newest alert was first seen; in the order `oldest`, its oldest one. ISO 8601. */
  at: string;
  key: string | null;
}

export interface AlertGroupsQuery extends AlertSelection {
  by: 'service' | 'name' | 'tenant' | { label: string };
  order: AlertOrder;
  limit: number;
  /** Only groups after this place. Null: from the first one on. */
  after: AlertGroupPlace | null;
}

export interface StatsQuery {
  /** Whose `from` and `to` are not looked at. */
  selection: AlertSelection;
  from: Date;
  buckets: number;
  bucketSeconds: number;
}

/**
 * Queries about alerts, for a caller who may see `tenants`. Rows of other tenants do not exist for these queries,
 * whatever else is asked.
 *
 * - The order is total: alerts with the same time are ordered by id. Pages that follow each other by `end` hold every
 *   alert that existed all the time and kept its place. In an order by time no alert moves, except that one which is
 *   resolved again moves in the order `resolved`; in an order by severity an alert moves when its severity changes.
 * - A page searches a bounded number of alerts, fewer where words or labels have to be read, and ends there. The pages
 *   together hold every alert that matches, whatever the bound. Counts are bounded too, and say so (`complete`).
 * - Every method throws `Unavailable` when the store is away or too slow.
 */
export abstract class AlertQueries {
  abstract list(tenants: readonly TenantId[], query: AlertListQuery): Promise<ListedAlerts>;
  /** Counts by value, each facet without its own condition. `selected`: the tenants that the other facets count. */
  abstract facets(
    tenants: readonly TenantId[],
    selected: readonly TenantId[],
    selection: AlertSelection,
  ): Promise<AlertFacets>;
  /**
   * The matching alerts in groups. Counts of a group are of all its matching alerts, on whatever page of a list they
   * are. `end`: where the next page begins; null when there is none.
   */
  abstract groups(
    tenants: readonly TenantId[],
    query: AlertGroupsQuery,
  ): Promise<{ groups: AlertGroup[]; end: AlertGroupPlace | null; complete: boolean }>;
  /** The alerts with these ids that exist within `tenants`, in no particular order. An id is a UUID. */
  abstract find(tenants: readonly TenantId[], alertIds: readonly string[]): Promise<Alert[]>;
  /** The alert that a service's messages with this `dedup_key` belong to. */
  abstract named(tenant: TenantId, service: string, dedupKey: string): Promise<NamedAlert | undefined>;
  /** An alert's entries, the newest first. `more`: there are older ones. Empty when there is no such alert. */
  abstract history(
    tenant: TenantId,
    alertId: string,
    query: HistoryQuery,
  ): Promise<{ entries: Entry[]; more: boolean }>;
  /**
   * How many matching alerts are open, and how many were first seen in each of `buckets` time spans from a time on.
   */
  abstract stats(tenants: readonly TenantId[], query: StatsQuery): Promise<Omit<AlertStats, 'cursor'>>;
  /**
   * The numbers of each of `tenants`, in their order. Each tenant has its own bound, so that a tenant with many alerts
   * takes nothing from the numbers of the others.
   */
  abstract tenantStats(
    tenants: readonly TenantId[],
    chart: Omit<StatsQuery, 'selection'>,
  ): Promise<Pick<TenantStatsPage, 'at_most'> & { tenants: TenantStats[] }>;
}
