import type { EntityManager } from 'typeorm';
import { SEVERITIES, type AlertGroup, type TenantId } from '@tocsin/contracts';
import type { AlertGroupPlace, AlertGroupsQuery } from '@tocsin/contracts/ports';
import type { AlertBounds } from './bounds';
import { MATCHING } from './matching-statement';
import { conditionsOf, fromNewest, groupsOf, hasText, matchOf } from './walk';
import { OF_GROUP, EACH_TENANT, EACH_SEVERITY, CONDITIONS, IN_TIME } from './walk-terms';

/** How a group is named: `=` and the shared value, or nothing when there is none. */
const GROUP_KEYS = {
  service: () => "'=' || a.service",
  tenant: () => "'=' || a.tenant_id",
  name: () => "coalesce('=' || a.name, '')",
  label: (parameter: number) => `coalesce('=' || (a.labels ->> $${parameter}), '')`,
} as const;
/** What can be grouped by. */
type GroupedBy = keyof typeof GROUP_KEYS;
const groupColumns = (by: GroupedBy, label: number): string =>
  `(a.status = 'acknowledged' or a.assignee is not null) as taken, ${GROUP_KEYS[by](label)} as key`;

/**
 * Where a group stands: `rank`, a time and its key. `$${first}` to `$${first + 2}` are the place after which groups are
 * wanted.
 */
const GROUP_ORDERS = {
  newest: {
    at: 'newest_at',
    by: 'newest_at desc, key desc',
    behind: (first: number) => `(newest_at, key) < ($${first + 1}, $${first + 2})`,
  },
  oldest: {
    at: 'oldest_at',
    by: 'oldest_at, key',
    behind: (first: number) => `(oldest_at, key) > ($${first + 1}, $${first + 2})`,
  },
  severity: {
    at: 'newest_at',
    by: 'rank, newest_at desc, key desc',
    behind: (first: number) =>
      `(rank > $${first}::integer or rank = $${first}::integer and (newest_at, key) < ($${first + 1}, $${first + 2}))`,
  },
} as const;
/** The order of groups. */
type GroupOrder = keyof typeof GROUP_ORDERS;

/**
 * A page of groups of the alerts of `from`. `$${first}`: the severities, the worst first; the next three: the place
 * after which groups are wanted, a null rank for the beginning; then the size of the page. `complete` is a condition on
 * `from`. When nothing matches, one row tells only that.
 */
const groupPage = (from: string, complete: string, order: GroupOrder, first: number): string => `, grouped as (
  select key, min(array_position($${first}::text[], severity)) as rank, count(*)::integer as alerts, (count(*) filter (where taken))::integer as taken,
    min(first_seen_at) as oldest_at, max(first_seen_at) as newest_at
  from ${from} group by key
), page as materialized (
  select * from grouped
  where $${first + 1}::integer is null or ${GROUP_ORDERS[order].behind(first + 1)}
  order by ${GROUP_ORDERS[order].by} limit $${first + 4}
), newest as (
  select distinct on (p.key) p.key, m.tenant_id, m.alert_id
  from page p join ${from} m on m.key = p.key and m.first_seen_at = p.newest_at
  order by p.key, m.alert_id desc
)
select ${complete} as complete, p.*, n.tenant_id, n.alert_id, a.title
from (select) one left join (page p join newest n using (key) join tocsin.alert a on a.tenant_id = n.tenant_id and a.alert_id = n.alert_id) on true
order by ${GROUP_ORDERS[order].by.replaceAll(/(rank|newest_at|oldest_at|key)/g, 'p.$1')}`;

/**
 * Groups the alerts that pass $6 to $11, among at most $12 that the walk passes; alerts that are not resolved come
 * first. $13 to $17 are those of `groupPage`. $18: the label to group by.
 */
const groupsStatement = (by: GroupedBy, order: GroupOrder): string => `
with walked as materialized (
  select found.*
  from (select * from unnest($2::text[]) with ordinality as s(status, place), ${EACH_SEVERITY}, ${EACH_TENANT} order by place) g, lateral (select g.tenant_id) t, lateral (select g.status) s, lateral (select g.severity) v
  cross join lateral (
    select a.tenant_id, a.alert_id, a.severity, a.first_seen_at, ${groupColumns(by, 18)}, ${CONDITIONS(6)} as passes
    from tocsin.alert a where ${OF_GROUP} order by ${IN_TIME('down')} limit $12
  ) found
  limit $12
), matching as materialized (
  select * from walked where passes
)${groupPage('matching', '(select count(*) < $12 from walked)', order, 13)}`;

/** Groups the matches among the newest alerts. $21 to $25 are those of `groupPage`. $26: the label to group by. */
const matchingGroupsStatement = (by: GroupedBy, order: GroupOrder): string =>
  MATCHING('down', `, ${groupColumns(by, 26)}`) + groupPage('matching', 'not exists (select from reached)', order, 21);

interface GroupRow {
  complete: boolean;
  /** Null: no group matches. */
  key: string | null;
  rank: number;
  alerts: number;
  taken: number;
  oldest_at: string;
  newest_at: string;
  tenant_id: string;
  alert_id: string;
  title: string;
}

export async function groupAlerts(
  manager: EntityManager,
  tenants: readonly TenantId[],
  query: AlertGroupsQuery,
  bounds: AlertBounds,
): Promise<{ groups: AlertGroup[]; end: AlertGroupPlace | null; complete: boolean }> {
  const { by, order, after, limit } = query;
  const [kind, label] = typeof by === 'string' ? ([by, []] as const) : (['label', [by.label]] as const);
  const page = [
    SEVERITIES,
    after && SEVERITIES.indexOf(after.severity) + 1,
    after?.at ?? null,
    after && storedKey(after.key),
    limit + 1,
    ...label,
  ];
  const text = hasText(query);
  const rows = text
    ? await manager.query<GroupRow[]>(matchingGroupsStatement(kind, order), [
        ...groupsOf(tenants, query),
        ...fromNewest(query),
        ...conditionsOf(query),
        ...matchOf(tenants, query, bounds, bounds.lookedAt),
        ...page,
      ])
    : await manager.query<GroupRow[]>(groupsStatement(kind, order), [
        ...groupsOf(tenants, query),
        ...conditionsOf(query),
        bounds.counted,
        ...page,
      ]);
  const groups = rows.filter(({ key }) => key !== null).map(groupOf);
  const last = groups[limit - 1];
  return {
    groups: groups.slice(0, limit),
    end:
      groups.length > limit && last
        ? { severity: last.severity, at: order === 'oldest' ? last.oldest_at : last.newest_at, key: last.key }
        : null,
    complete: rows[0]!.complete,
  };
}

/** A key as the statements write it, so that an empty value is another group than none. */
const storedKey = (key: string | null): string => (key === null ? '' : `=${key}`);

const groupOf = ({
  key,
  rank,
  alerts,
  taken,
  oldest_at,
  newest_at,
  tenant_id,
  alert_id,
  title,
}: GroupRow): AlertGroup => ({
  key: key === '' ? null : key!.slice(1),
  severity: SEVERITIES[rank - 1]!,
  alerts,
  taken,
  newest: { alert_id, tenant_id, title },
  oldest_at,
  newest_at,
});
