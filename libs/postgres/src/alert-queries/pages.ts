import type { EntityManager } from 'typeorm';
import type { Alert, AlertPlace, ListOrder, Severity, TenantId } from '@tocsin/contracts';
import type { AlertListQuery, ListedAlerts } from '@tocsin/contracts/ports';
import type { AlertBounds } from './bounds';
import { MATCHING } from './matching-statement';
import { conditionsOf, groupsOf, matchOf, walkOf } from './walk';
import { EACH_TENANT, EACH_STATUS, WALKS, IN_TIME, RANKED, BEHIND, inTime, type Walk } from './walk-terms';

/** A page without filters: every alert that the walk passes is on it. $9: the size of the page. */
const pageStatement = (walk: Walk): string => `
with page as materialized (
  select v.rank, found.*
  from ${RANKED}, ${EACH_TENANT}, ${EACH_STATUS}
  cross join lateral (
    select a.tenant_id, a.alert_id, a.${WALKS[walk].at} as at from tocsin.alert a where ${BEHIND(walk)}${WALKS[walk].passes} order by ${IN_TIME(walk)} limit $9
  ) found
  order by rank, ${inTime(WALKS[walk])}
  limit $9
)
select a.*
from page p join tocsin.shown_alert a on a.tenant_id = p.tenant_id and a.alert_id = p.alert_id
order by p.rank, ${inTime(WALKS[walk], 'p.')}`;

/**
 * A page of the matches, $21 at most. Each row tells what was reached; when nothing matches, one row tells only that.
 */
const matchingPageStatement = (walk: Walk): string => `${MATCHING(walk)}, page as materialized (
  select * from matching order by rank, ${inTime(WALKS[walk])} limit $21
)
select r.severity as reached_severity, r.first_seen_at as reached_seen_at, r.at as reached_at, r.alert_id as reached_id, a.*
from (select) one left join reached r on true
left join (page p join tocsin.shown_alert a on a.tenant_id = p.tenant_id and a.alert_id = p.alert_id) on true
order by p.rank, ${inTime(WALKS[walk], 'p.')}`;

export async function listAll(
  manager: EntityManager,
  tenants: readonly TenantId[],
  query: AlertListQuery,
): Promise<ListedAlerts> {
  const { walk, severities, places } = walkOf(query);
  const parameters = [...groupsOf(tenants, { ...query, severity: severities }), ...places, query.limit + 1];
  return {
    ...pageOf(await manager.query<Alert[]>(pageStatement(walk), parameters), query),
    searched: null,
  };
}

interface ReachedColumns {
  reached_severity: Severity | null;
  reached_seen_at: string;
  /** The time that the list is sorted by. */
  reached_at: string;
  reached_id: string;
}

export async function listMatching(
  manager: EntityManager,
  tenants: readonly TenantId[],
  query: AlertListQuery,
  bounds: AlertBounds,
): Promise<ListedAlerts> {
  const { walk, severities, places } = walkOf(query);
  const asked = { ...query, severity: severities };
  const atMost = query.limit + 1;
  const parameters = [
    ...groupsOf(tenants, asked),
    ...places,
    ...conditionsOf(query),
    ...matchOf(tenants, asked, bounds, atMost, walk),
    atMost,
  ];
  const found = await manager.query<(Alert & ReachedColumns)[]>(matchingPageStatement(walk), parameters);
  const { reached_severity, reached_seen_at, reached_at, reached_id } = found[0]!;
  // when nothing matches, there is still one row, which tells what was reached
  const matching = found
    .filter((row) => row.alert_id !== null)
    .map(({ reached_severity, reached_seen_at, reached_at, reached_id, ...alert }): Alert => alert);
  const { alerts, end } = pageOf(matching, query);
  const reached =
    end ??
    (reached_severity &&
      placeIn(query.order, {
        severity: reached_severity,
        first_seen_at: reached_seen_at,
        resolved_at: reached_at,
        alert_id: reached_id,
      }));
  return { alerts, end: reached, searched: { reached, complete: reached === null } };
}

function pageOf(
  rows: readonly Alert[],
  { limit, order }: Pick<AlertListQuery, 'limit' | 'order'>,
): Pick<ListedAlerts, 'alerts' | 'end'> {
  const alerts = rows.slice(0, limit);
  const last = alerts.at(-1);
  return { alerts, end: last && rows.length > limit ? placeIn(order, last) : null };
}

/** The place of an alert in a list of this order. */
const placeIn = (
  order: ListOrder,
  { severity, first_seen_at, resolved_at, alert_id }: Pick<Alert, keyof AlertPlace>,
): AlertPlace => ({ severity, first_seen_at, alert_id, ...(order === 'resolved' && { resolved_at }) });
