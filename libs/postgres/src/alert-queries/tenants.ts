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
import * as statements from '../alert-statements';
import type { AlertBounds } from './bounds';
import { noneOf, OPEN, total } from './stats';

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
  const rows = await manager.query<TenantCountRow[]>(statements.TENANT_COUNTS, [
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
