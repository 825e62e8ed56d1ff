import type { Alert, Entry } from './alerts';
import type { AlertStatus, AlertType, Severity } from './alert-values';

/**
 * Selects alerts, as query parameters (lists separated by commas) and as the body of a search (lists). A field that is
 * left out selects everything.
 */
export interface AlertFilter {
  tenant?: string[];
  /** The alerts are in none of these tenants. One that is not the user's excludes nothing. */
  not_tenant?: string[];
  status?: AlertStatus[];
  severity?: Severity[];
  service?: string[];
  /** The alerts are of none of these services. */
  not_service?: string[];
  type?: AlertType[];
  name?: string[];
  /** Users, or `none`; `me` is the caller. */
  assignee?: string[];
  /** `label.<key>=<value>` in a query. */
  labels?: Record<string, string>;
  /** What the alerts do not have: `name`, or `label.<key>`. */
  without?: string[];
  /** First seen at or after `from`, and before `to`. ISO 8601. */
  from?: string;
  to?: string;
  /**
   * Words that title, message or name contain, all of them. Case does not matter. Several words in double quotes are
   * looked for together.
   */
  q?: string;
}

/**
 * `newest`: by the time they were first seen. `severity`: the most severe first, among equals the newest. `oldest`: the
 * longest open first.
 */
export const ALERT_ORDERS = ['newest', 'severity', 'oldest'] as const;
export type AlertOrder = (typeof ALERT_ORDERS)[number];

/** The orders of a list; groups have no `resolved`: of resolved alerts only, those that were resolved last first. */
export const LIST_ORDERS = [...ALERT_ORDERS, 'resolved'] as const;
export type ListOrder = (typeof LIST_ORDERS)[number];

export interface AlertSearch extends AlertFilter {
  /** Default `newest`. With `resolved` only resolved alerts are found, whatever `status` allows beside them. */
  order?: ListOrder;
  /** 1 to 200, default 50. */
  limit?: number;
  /** The `next` of the previous page. */
  after?: string;
  /** Whether to count by facet. Default false. */
  facets?: boolean;
}

/** What alerts can be grouped by; beside these, `label.<key>`. */
export const ALERT_GROUPINGS = ['service', 'name', 'tenant'] as const;

/** Asks for the alerts of a list in groups. The groups have the order of the list. */
export interface AlertGroupSearch extends AlertFilter {
  /** One of `ALERT_GROUPINGS`, or `label.<key>`. */
  by: string;
  /**
   * `newest`: by the newest alert of each group. `severity`: by the worst severity, among equals the newest. `oldest`:
   * by the oldest alert.
   */
  order?: AlertOrder;
  /** 1 to 200, default 50. */
  limit?: number;
  /** The `next` of the previous page. */
  after?: string;
}

/** The alerts of a list that share a service, a name, a tenant or the value of a label. */
export interface AlertGroup {
  /** The shared value; null: the alerts have no name, or no such label. */
  key: string | null;
  /** The worst severity in the group. */
  severity: Severity;
  alerts: number;
  /** How many of `alerts` are acknowledged or assigned. */
  taken: number;
  /** The alert that was first seen last. */
  newest: { alert_id: string; tenant_id: string; title: string };
  /** When the oldest and the newest alert of the group were first seen. */
  oldest_at: string;
  newest_at: string;
}

export interface AlertGroupPage {
  groups: AlertGroup[];
  /**
   * Asks for the next page; null: there is none. A group that changes meanwhile can be on both pages, or on neither.
   */
  next: string | null;
  /**
   * False: so many alerts match that only the newest were grouped. There may be more groups, and more alerts in each.
   */
  complete: boolean;
  /** The stream position of this page. */
  cursor: string;
}

/** Counts by value, each facet without its own filter, so that a user sees the other choices. */
export interface AlertFacets {
  status: Record<string, number>;
  severity: Record<string, number>;
  service: Record<string, number>;
  type: Record<string, number>;
  tenant: Record<string, number>;
  /** The snoozed alerts by severity, with every filter except the status: they are apart from what is open. */
  snoozed: Record<string, number>;
  /**
   * False: so many alerts match that the counts are lower bounds. It speaks of the statuses that the search asks for:
   * the counts of other statuses may be lower bounds either way.
   */
  complete: boolean;
}

export interface AlertPage {
  alerts: Alert[];
  /** Asks for the next page; null: there is none. A page with a `next` may be short or empty: see `searched`. */
  next: string | null;
  /** The stream position of this page. A stream from there on misses nothing that is not in the page. */
  cursor: string;
  facets?: AlertFacets;
  /**
   * How far this page searched, with conditions beyond tenant, status, severity and time: a page searches a bounded
   * number of alerts. All matching alerts up to `reached` in the list's order are in this page and those before; `next`
   * continues after it. `complete`: there is nothing left to search.
   */
  searched?: { reached: AlertPlace | null; complete: boolean };
}

/** An alert's place in a list. It changes with the severity, and in the order `resolved` when it is resolved again. */
export interface AlertPlace {
  severity: Severity;
  first_seen_at: string;
  alert_id: string;
  /** Only in the order `resolved`. */
  resolved_at?: string | null;
}

/** Counts for a chart. */
export interface AlertStats {
  /** Alerts that are not resolved and match the filter, by severity and by status. */
  open: { severity: Record<Severity, number>; status: Record<string, number> };
  /** Alerts that match the filter, first seen in each bucket, by severity; the oldest first. */
  timeline: ({ at: string } & Record<Severity, number>)[];
  bucket_seconds: number;
  /** False: there are so many alerts that the counts are lower bounds. */
  complete: boolean;
  cursor: string;
}

/** What is open in one tenant, and how many of its alerts were first seen in each hour of a day. */
export interface TenantStats {
  tenant_id: string;
  /** Alerts that are firing or acknowledged, by severity. */
  open: Record<Severity, number>;
  snoozed: number;
  /** Alerts first seen in each bucket, whatever their status now; the oldest first. Null: too many to count. */
  timeline: (number | null)[];
}

/** The numbers of several tenants, counted together. */
export interface TenantStatsPage {
  /** Every tenant that was asked for, in the order of `GET /api/v1/tenants`. */
  tenants: TenantStats[];
  /** When the first bucket begins. */
  from: string;
  bucket_seconds: number;
  /** No number of `open` or `snoozed` is larger: one that is equal may be more. */
  at_most: number;
  cursor: string;
}

/** Entries of the event log, of one alert or of a tenant, with their position. */
export interface EntryPage {
  events: Entry[];
  next: string | null;
  cursor: string;
}

export interface TenantsPage {
  tenants: { tenant_id: string; name: string; role: string }[];
}

/** How far a user has seen each tenant's log: entries after it are new on every device. */
export interface SeenCursor {
  tenants: { tenant_id: string; epoch: string; seq: number }[];
}
