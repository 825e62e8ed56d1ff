import type { EntityManager } from 'typeorm';
import { ALERT_STATUSES, SEVERITIES, type AlertStats, type Severity, type TenantId } from '@tocsin/contracts';
import type { AlertSelection, StatsQuery } from '@tocsin/contracts/ports';
import type { AlertBounds } from './bounds';
import { countKinds, countsBy, type Kind } from './counts';
import { MATCHING } from './matching-statement';
import { conditionsOf, fromNewest, groupsOf, hasText, isLookedFor, matchOf } from './walk';
import { OF_GROUP, EACH_TENANT, EACH_STATUS, EACH_SEVERITY, CONDITIONS, BUCKETS } from './walk-terms';

/** The alerts of the statuses $2, by status and severity; no more than $3 in all. */
const OPEN_COUNTS = `
select status, severity, count(*)::integer as alerts
from (
  select found.* from ${EACH_STATUS}, ${EACH_TENANT}
  cross join lateral (
    select a.status, a.severity from tocsin.alert a where a.tenant_id = t.tenant_id and a.status = s.status order by a.severity, a.first_seen_at limit $3
  ) found
  limit $3
) counted
group by status, severity`;

/**
 * Alerts first seen from $4 on and before $5 that pass $6 to $11, by severity, in buckets of $14 seconds from $13 on;
 * the walk passes no more than $12. Each row tells how many it passed (`walked`).
 */
const TIMELINE = `
select severity, ${BUCKETS(13)}, count(*) filter (where passes)::integer as alerts, (sum(count(*)) over ())::integer as walked
from (
  select found.* from ${EACH_SEVERITY}, ${EACH_STATUS}, ${EACH_TENANT}
  cross join lateral (
    select a.severity, a.first_seen_at, ${CONDITIONS(6)} as passes from tocsin.alert a where ${OF_GROUP} order by a.first_seen_at desc limit $12
  ) found
  limit $12
) counted
group by severity, bucket`;

/**
 * The matches among the newest alerts, by severity, in buckets of $22 seconds from $21 on, and whether these are all;
 * when nothing matches, one row tells only that.
 */
const MATCHING_TIMELINE = `${MATCHING('down')}, counted as (
  select severity, ${BUCKETS(21)}, count(*)::integer as alerts from matching group by severity, bucket
)
select not exists (select from reached) as complete, c.* from (select) one left join counted c on true`;

export const OPEN = ALERT_STATUSES.filter((status) => status !== 'resolved');

type OpenRow = Pick<Kind, 'status' | 'severity' | 'alerts'>;

interface SeenRow {
  severity: Severity;
  bucket: number;
  alerts: number;
}

/** The open alerts by severity and by status, and the alerts of each bucket of the chart. */
export async function countStats(
  manager: EntityManager,
  tenants: readonly TenantId[],
  { selection, from, buckets, bucketSeconds }: StatsQuery,
  bounds: AlertBounds,
): Promise<Omit<AlertStats, 'cursor'>> {
  const at = (bucket: number) => new Date(from.getTime() + bucket * bucketSeconds * 1000).toISOString();
  const statuses = OPEN.filter((status) => selection.status?.includes(status) ?? true);
  const whenever = { ...selection, from: null, to: null, status: statuses };
  const charted = { ...selection, from: at(0), to: at(buckets) };
  const open = await countOpen(manager, tenants, whenever, bounds);
  const seen = await countSeen(manager, tenants, charted, bucketSeconds, bounds);
  const timeline = Array.from({ length: buckets }, (_, bucket) => ({ at: at(bucket), ...noneOf(SEVERITIES) }));
  for (const { bucket, severity, alerts } of seen.rows) timeline[bucket]![severity] = alerts;
  return {
    open: {
      severity: { ...noneOf(SEVERITIES), ...countsBy(open.rows, ({ severity }) => severity) },
      status: { ...noneOf(OPEN), ...countsBy(open.rows, ({ status }) => status) },
    },
    timeline,
    bucket_seconds: bucketSeconds,
    complete: open.complete && seen.complete,
  };
}

/** The open alerts. Without conditions, a walk that checks none is faster. */
async function countOpen(
  manager: EntityManager,
  tenants: readonly TenantId[],
  selection: AlertSelection,
  bounds: AlertBounds,
): Promise<{ rows: OpenRow[]; complete: boolean }> {
  if (isLookedFor(selection) || selection.severity) {
    const { rows, whole } = await countKinds(manager, tenants, selection, bounds);
    return { rows, complete: whole(null) };
  }
  const rows = await manager.query<OpenRow[]>(OPEN_COUNTS, [tenants, selection.status, bounds.counted]);
  return { rows, complete: total(rows) < bounds.counted };
}

/** The alerts of a chart. */
async function countSeen(
  manager: EntityManager,
  tenants: readonly TenantId[],
  selection: AlertSelection & { from: string },
  bucketSeconds: number,
  bounds: AlertBounds,
): Promise<{ rows: SeenRow[]; complete: boolean }> {
  const buckets = [selection.from, bucketSeconds];
  if (!hasText(selection)) {
    const rows = await manager.query<(SeenRow & { walked: number })[]>(TIMELINE, [
      ...groupsOf(tenants, selection),
      ...conditionsOf(selection),
      bounds.counted,
      ...buckets,
    ]);
    return { rows, complete: rows.length === 0 || rows[0]!.walked < bounds.counted };
  }
  const rows = await manager.query<(SeenRow & { complete: boolean })[]>(MATCHING_TIMELINE, [
    ...groupsOf(tenants, selection),
    ...fromNewest(selection),
    ...conditionsOf(selection),
    ...matchOf(tenants, selection, bounds, bounds.lookedAt),
    ...buckets,
  ]);
  return { rows: rows.filter(({ severity }) => severity !== null), complete: rows[0]!.complete };
}

export const total = (rows: readonly { alerts: number }[]): number => rows.reduce((sum, { alerts }) => sum + alerts, 0);

export const noneOf = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
