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
import { inOrder, isLookedFor } from './alert-queries/walk';
import type { Database } from './database';
import { storedEventOf, type EntryRow } from './event-log.postgres';

const BY_ID = `
select a.*
from tocsin.shown_alert a
where a.tenant_id = any ($1::text[]) and a.alert_id = any ($2::uuid[])`;

/** The alert of the messages of service $2 with the key $3. */
const BY_KEY = `
select a.alert_id, a.status, a.service, a.dedup_key
from tocsin.alert a
where a.tenant_id = $1 and a.service = $2 and a.dedup_key = $3`;

/** The entries of alert $2 of tenant $1 with a number below $3, at most $4. The alert itself names its first entry. */
const HISTORY = `
select * from (
  select e.* from tocsin.entry e
  where e.tenant_id = $1 and e.alert_id = $2 and e.previous_status is not null and e.seq < $3
  order by e.seq desc limit $4
) later
union all
select e.* from tocsin.alert a join tocsin.entry e on e.tenant_id = a.tenant_id and e.seq = a.first_seq
where a.tenant_id = $1 and a.alert_id = $2 and e.alert_id = a.alert_id and e.previous_status is null and e.seq < $3
order by seq desc limit $4`;

/** Greater than the number of any entry. */
const BEHIND_ALL = Number.MAX_SAFE_INTEGER;

/**
 * Reads alerts in PostgreSQL with plain statements under row-level security. Each question has a bound, so that it does
 * not take longer when a tenant has more alerts. `alert-queries` has a file for each kind of question, with its
 * statements; `walk-terms.ts` says which index they walk, and `walk.ts` makes their parameters.
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
      isLookedFor(query, inOrder(query.order))
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
    return this.database.as(tenants, (manager) => manager.query<Alert[]>(BY_ID, [tenants, alertIds]));
  }

  async named(tenant: TenantId, service: string, dedupKey: string): Promise<NamedAlert | undefined> {
    const [alert] = await this.database.as([tenant], (manager) =>
      manager.query<NamedAlert[]>(BY_KEY, [tenant, service, dedupKey]),
    );
    return alert;
  }

  async history(
    tenant: TenantId,
    alertId: string,
    { before, limit }: HistoryQuery,
  ): Promise<{ entries: Entry[]; more: boolean }> {
    const rows = await this.database.as([tenant], (manager) =>
      manager.query<EntryRow[]>(HISTORY, [tenant, alertId, before ?? BEHIND_ALL, limit + 1]),
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
