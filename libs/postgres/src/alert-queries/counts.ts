import type { EntityManager } from 'typeorm';
import { ALERT_STATUSES, type AlertStatus, type AlertType, type Severity, type TenantId } from '@tocsin/contracts';
import type { AlertSelection } from '@tocsin/contracts/ports';
import type { AlertBounds } from './bounds';
import { MATCHING } from './matching-statement';
import { conditionsOf, fromNewest, groupsOf, hasText, matchOf } from './walk';
import { OF_GROUP, EACH_TENANT, EACH_SEVERITY, CONDITIONS, IN_TIME } from './walk-terms';

const CUBE = 'tenant_id, status, severity, service, type';

/**
 * Counts the alerts of each kind that pass $6 to $11, among at most $12 that the walk passes; alerts that are not
 * resolved come first. Each row tells how many alerts were passed (`walked`).
 */
const COUNTS = `
select ${CUBE}, count(*) filter (where ${CONDITIONS(6)})::integer as alerts, (sum(count(*)) over ())::integer as walked
from (
  select found.*
  from (select * from unnest($2::text[]) with ordinality as s(status, place), ${EACH_SEVERITY}, ${EACH_TENANT} order by place) g, lateral (select g.tenant_id) t, lateral (select g.status) s, lateral (select g.severity) v
  cross join lateral (
    select a.tenant_id, a.status, a.severity, a.service, a.type, a.name, a.assignee from tocsin.alert a where ${OF_GROUP} order by ${IN_TIME('down')} limit $12
  ) found
  limit $12
) a
group by ${CUBE}`;

/**
 * Counts the matches among the newest alerts, and tells whether the counts are complete; when nothing matches, one row
 * tells only that.
 */
const MATCHING_COUNTS = `${MATCHING('down')}, counted as (
  select ${CUBE}, count(*)::integer as alerts from matching group by ${CUBE}
)
select not exists (select from reached) as complete, c.* from (select) one left join counted c on true`;

/** How many values of a facet are returned, the most frequent first. Nothing else bounds the number of services. */
const VALUES_OF_A_FACET = 100;

/** How many alerts have the same values in everything that facets count. */
export interface Kind {
  tenant_id: TenantId;
  status: AlertStatus;
  severity: Severity;
  service: string;
  type: AlertType;
  alerts: number;
}

/** Whether all alerts of these statuses were counted; null: of every status. */
type AreWhole = (statuses: readonly AlertStatus[] | null) => boolean;

/** The number of alerts for each combination of the values that facets count: one walk for all facets. */
export async function countKinds(
  manager: EntityManager,
  tenants: readonly TenantId[],
  selection: AlertSelection,
  bounds: AlertBounds,
): Promise<{ rows: Kind[]; whole: AreWhole }> {
  if (!hasText(selection)) {
    const rows = await manager.query<(Kind & { walked: number })[]>(COUNTS, [
      ...groupsOf(tenants, selection),
      ...conditionsOf(selection),
      bounds.counted,
    ]);
    // the walk takes one status after the other, so only the last one that it came to was cut short
    const all = rows.length === 0 || rows[0]!.walked < bounds.counted;
    const cut = Math.max(...rows.map(({ status }) => ALERT_STATUSES.indexOf(status)));
    return {
      rows: rows.filter(({ alerts }) => alerts > 0),
      whole: (wanted) => all || (wanted !== null && wanted.every((one) => ALERT_STATUSES.indexOf(one) < cut)),
    };
  }
  const parameters = [
    ...groupsOf(tenants, selection),
    ...fromNewest(selection),
    ...conditionsOf(selection),
    ...matchOf(tenants, selection, bounds, bounds.lookedAt),
  ];
  const rows = await manager.query<(Kind & { complete: boolean })[]>(MATCHING_COUNTS, parameters);
  return { rows: rows.filter(({ tenant_id }) => tenant_id !== null), whole: () => rows[0]!.complete };
}

/** Counts by value, the most frequent first. */
export function countsBy<Row extends { alerts: number }>(
  rows: readonly Row[],
  valueOf: (row: Row) => string,
): Record<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(valueOf(row), (counts.get(valueOf(row)) ?? 0) + row.alerts);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a).slice(0, VALUES_OF_A_FACET));
}
