import type { EntityManager } from 'typeorm';
import {
  ALERT_STATUSES,
  SEVERITIES,
  type AlertStatus,
  type Severity,
  type TenantId,
  type TenantStats,
  type TenantStatsPage,
} from '@tocsin/contracts';
import type { StatsQuery } from '@tocsin/contracts/ports';
import type { AlertBounds } from './bounds';
import { noneOf, OPEN, total } from './stats';
import { OF_GROUP, EACH_TENANT, EACH_STATUS, EACH_SEVERITY, BUCKETS } from './walk-terms';

/**
 * The numbers of each tenant: a row without a bucket counts the alerts of one severity that have one of the statuses
 * $2; a row with one counts the alerts of the statuses $8 that were first seen in this bucket of $7 seconds, from $4 on
 * and before $5. Each walk passes $6 alerts at most, the newest first. `cut`: the newest bucket of the tenant in which
 * a walk ended at this bound, so that this bucket and those before it are not counted completely; null: all are.
 */
const TENANT_COUNTS = `
with seen as materialized (
  select t.tenant_id, ${BUCKETS(4, 7)}, count(*)::integer as alerts, s.status, v.severity
  from ${EACH_TENANT}, unnest($8::text[]) as s(status), ${EACH_SEVERITY}
  cross join lateral (
    select a.first_seen_at from tocsin.alert a where ${OF_GROUP} order by a.first_seen_at desc limit $6
  ) found
  group by t.tenant_id, s.status, v.severity, bucket
), cut as materialized (
  select tenant_id, max(oldest) as bucket
  from (select tenant_id, min(bucket) as oldest from seen group by tenant_id, status, severity having sum(alerts) >= $6) one
  group by tenant_id
)
select t.tenant_id, s.status, v.severity, null::integer as bucket, found.alerts, null::integer as cut
from ${EACH_TENANT}, ${EACH_STATUS}, ${EACH_SEVERITY}
cross join lateral (
  select count(*)::integer as alerts
  from (select from tocsin.alert a where a.tenant_id = t.tenant_id and a.status = s.status and a.severity = v.severity limit $6) one
) found
where found.alerts > 0
union all
select tenant_id, null, null, seen.bucket, sum(seen.alerts)::integer, cut.bucket
from seen left join cut using (tenant_id)
group by tenant_id, seen.bucket, cut.bucket`;

interface TenantCountRow {
  tenant_id: TenantId;
  status: AlertStatus | null;
  severity: Severity | null;
  /** Null: the row counts alerts that are not resolved. */
  bucket: number | null;
  alerts: number;
  /** The newest bucket of the tenant that is not counted completely; null: all are. */
  cut: number | null;
}

/** The numbers of each tenant: its open alerts by severity, its snoozed ones, and the alerts of each bucket. */
export async function countTenants(
  manager: EntityManager,
  tenants: readonly TenantId[],
  { from, buckets, bucketSeconds }: Omit<StatsQuery, 'selection'>,
  { countedEach }: AlertBounds,
): Promise<Pick<TenantStatsPage, 'at_most'> & { tenants: TenantStats[] }> {
  const to = new Date(from.getTime() + buckets * bucketSeconds * 1000);
  const rows = await manager.query<TenantCountRow[]>(TENANT_COUNTS, [
    tenants,
    OPEN,
    SEVERITIES,
    from.toISOString(),
    to.toISOString(),
    countedEach,
    bucketSeconds,
    ALERT_STATUSES,
  ]);
  const rowsOf = (tenant: TenantId) => rows.filter(({ tenant_id }) => tenant_id === tenant);
  return {
    tenants: tenants.map((tenant) => tenantStatsOf(tenant, rowsOf(tenant), buckets, countedEach)),
    at_most: countedEach,
  };
}

function tenantStatsOf(
  tenant_id: TenantId,
  rows: readonly TenantCountRow[],
  buckets: number,
  atMost: number,
): TenantStats {
  const sum = (wanted: (row: TenantCountRow) => boolean) => Math.min(atMost, total(rows.filter(wanted)));
  const open = noneOf(SEVERITIES);
  for (const one of SEVERITIES) open[one] = sum(({ severity, status }) => severity === one && status !== 'snoozed');
  const cut = rows.find((row) => row.cut !== null)?.cut ?? -1;
  const timeline = Array.from({ length: buckets }, (_, at): number | null => (at <= cut ? null : 0));
  for (const { bucket, alerts } of rows) if (bucket !== null && bucket > cut) timeline[bucket] = alerts;
  return { tenant_id, open, snoozed: sum(({ status }) => status === 'snoozed'), timeline };
}
