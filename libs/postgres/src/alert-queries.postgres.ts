import type {
  Alert,
  AlertFacets,
  AlertGroup,
  AlertStats,
  Entry,
  TenantId,
  TenantStats,
  TenantStatsPage,
} from '@tocsin/contracts';
import type {
  AlertGroupPlace,
  AlertGroupsQuery,
  AlertListQuery,
  AlertQueries,
  AlertSelection,
  HistoryQuery,
  ListedAlerts,
  NamedAlert,
  StatsQuery,
} from '@tocsin/contracts/ports';
import { BOUNDS, type AlertBounds } from './alert-queries/bounds';
import { countFacets } from './alert-queries/facets';
import { groupAlerts } from './alert-queries/groups';
import { listAll, listMatching } from './alert-queries/pages';
import { countStats } from './alert-queries/stats';
import { countTenants } from './alert-queries/tenants';
import { isInTime, isLookedFor } from './alert-queries/walk';
import * as statements from './alert-statements';
import type { Database } from './database';
import { storedEventOf, type EntryRow } from './event-log.postgres';

/** Greater than the number of any entry. */
const BEHIND_ALL = Number.MAX_SAFE_INTEGER;

/**
 * Alerts in PostgreSQL, by plain statements under row-level security. Each question has a bound, so that it does not
 * take longer when a tenant has more alerts. The statements and their index are described in `alert-statements.ts`;
 * `alert-queries` has a file for each kind of question, and `walk.ts` makes their parameters.
 */
export class PostgresAlertQueries implements AlertQueries {
  private readonly bounds: AlertBounds;

  constructor(
    private readonly database: Database,
    bounds: Partial<AlertBounds> = {},
  ) {
    this.bounds = { ...BOUNDS, ...bounds };
  }

  list(tenants: readonly TenantId[], query: AlertListQuery): Promise<ListedAlerts> {
    return this.database.as(tenants, (manager) =>
      isLookedFor(query) || (query.order === 'resolved' && isInTime(query))
        ? listMatching(manager, tenants, query, this.bounds)
        : listAll(manager, tenants, query),
    );
  }

  facets(tenants: readonly TenantId[], selected: readonly TenantId[], selection: AlertSelection): Promise<AlertFacets> {
    return this.database.as(tenants, (manager) => countFacets(manager, tenants, selected, selection, this.bounds));
  }

  groups(
    tenants: readonly TenantId[],
    query: AlertGroupsQuery,
  ): Promise<{ groups: AlertGroup[]; end: AlertGroupPlace | null; complete: boolean }> {
    return this.database.as(tenants, (manager) => groupAlerts(manager, tenants, query, this.bounds));
  }

  find(tenants: readonly TenantId[], alertIds: readonly string[]): Promise<Alert[]> {
    return this.database.as(tenants, (manager) => manager.query<Alert[]>(statements.BY_ID, [tenants, alertIds]));
  }

  async named(tenant: TenantId, service: string, dedupKey: string): Promise<NamedAlert | undefined> {
    const [alert] = await this.database.as([tenant], (manager) =>
      manager.query<NamedAlert[]>(statements.BY_KEY, [tenant, service, dedupKey]),
    );
    return alert;
  }

  async history(
    tenant: TenantId,
    alertId: string,
    { before, limit }: HistoryQuery,
  ): Promise<{ entries: Entry[]; more: boolean }> {
    const rows = await this.database.as([tenant], (manager) =>
      manager.query<EntryRow[]>(statements.HISTORY, [tenant, alertId, before ?? BEHIND_ALL, limit + 1]),
    );
    return {
      entries: rows.slice(0, limit).map((row) => storedEventOf(row, row, row, row).entry),
      more: rows.length > limit,
    };
  }

  stats(tenants: readonly TenantId[], query: StatsQuery): Promise<Omit<AlertStats, 'cursor'>> {
    return this.database.as(tenants, (manager) => countStats(manager, tenants, query, this.bounds));
  }

  tenantStats(
    tenants: readonly TenantId[],
    query: Omit<StatsQuery, 'selection'>,
  ): Promise<Pick<TenantStatsPage, 'at_most'> & { tenants: TenantStats[] }> {
    return this.database.as(tenants, (manager) => countTenants(manager, tenants, query, this.bounds));
  }
}
