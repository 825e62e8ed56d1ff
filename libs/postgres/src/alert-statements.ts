// How alerts are found. Every statement here walks `alert_search`, the one index of all lists but one. In it, a
// tenant's alerts of one status and one severity are in the order of time. The list of resolved alerts in the order in
// which they were resolved walks `alert_resolved`, which is alike. Every result is therefore merged from walks, one for
// each of these groups. The first parameters are the same in all statements: $1 tenants, $2 statuses, $3 severities, $4
// and $5 the time.

const OF_GROUP =
  'a.tenant_id = t.tenant_id and a.status = s.status and a.severity = v.severity and a.first_seen_at >= $4 and ' +
  'a.first_seen_at < $5';
const TENANTS = 'unnest($1::text[]) as t(tenant_id)';
const STATUSES = 'unnest($2::text[]) as s(status)';
const SEVERITIES = 'unnest($3::text[]) as v(severity)';

/**
 * Conditions on columns that the index holds but is not sorted by, as six parameters. A list that is null allows any
 * value; an empty name stands for none, the fifth parameter allows alerts that are not assigned, and the sixth lists
 * the services that are excluded.
 */
const CONDITIONS = (first: number): string => `(
  ($${first}::text[] is null or a.service = any ($${first}))
  and ($${first + 1}::text[] is null or a.type = any ($${first + 1}))
  and ($${first + 2}::text[] is null or coalesce(a.name, '') = any ($${first + 2}))
  and ($${first + 3}::text[] is null or a.assignee = any ($${first + 3}) or ($${first + 4}::boolean and a.assignee is null))
  and a.service <> all ($${first + 5}::text[]))`;

/**
 * How a list is walked: `down`, from the alert that was first seen last; `up`, from the one that was first seen first;
 * `resolved`, from the one that was resolved last, among resolved alerts only.
 */
export type Walk = 'down' | 'up' | 'resolved';
interface WalkTerms {
  /** The time that the index is sorted by. */
  at: 'first_seen_at' | 'resolved_at';
  behind: '<' | '>';
  order: 'desc' | 'asc';
  group: string;
  /** The time range, where the index is not sorted by it. */
  passes: string;
}
const WALKS: Record<Walk, WalkTerms> = {
  down: { at: 'first_seen_at', behind: '<', order: 'desc', group: OF_GROUP, passes: '' },
  up: { at: 'first_seen_at', behind: '>', order: 'asc', group: OF_GROUP, passes: '' },
  resolved: {
    at: 'resolved_at',
    behind: '<',
    order: 'desc',
    // the literal is the condition of the index
    group: "a.tenant_id = t.tenant_id and a.status = 'resolved' and a.status = s.status and a.severity = v.severity",
    passes: ' and a.first_seen_at >= $4 and a.first_seen_at < $5',
  },
};
const behindOf = ({ behind }: WalkTerms, row: string, place: string): string =>
  `(${row}.at, ${row}.alert_id) ${behind} (${place})`;
const inTime = ({ order }: WalkTerms, row = ''): string => `${row}at ${order}, ${row}alert_id ${order}`;
/** The order of the alerts in the index. */
const IN_TIME = (walk: Walk): string => `a.${WALKS[walk].at} ${WALKS[walk].order}, a.alert_id ${WALKS[walk].order}`;

/** $6 to $8 belong to $3: the rank of each severity in the order, and the place after which its alerts are wanted. */
const RANKED = 'unnest($3::text[], $6::integer[], $7::timestamptz[], $8::uuid[]) as v(severity, rank, at, id)';
const BEHIND = (walk: Walk): string =>
  `${WALKS[walk].group} and (a.${WALKS[walk].at}, a.alert_id) ${WALKS[walk].behind} (v.at, v.id)`;

/** A page without filters: every alert that the walk passes is on it. $9: the size of the page. */
export const pageStatement = (walk: Walk): string => `
with page as materialized (
  select v.rank, found.*
  from ${RANKED}, ${TENANTS}, ${STATUSES}
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
 * Finds the alerts that match filters, as far as the bounds allow. $9 to $14 are conditions that the index decides. $15
 * (keys of labels), $16 (their values) and $17 (words, as patterns) need the table. $18: how many alerts to walk over
 * in the index; $19: how many of those that pass may be read from the table. Gives `matching`, in the order of the
 * list, and `reached`: the place up to which `matching` is complete and after which there may be more; null when there
 * is no more.
 *
 * Each walk ends when its share of the bound is used up. The earliest of these ends is `reached`; matches that other
 * walks found after it are left for the next page. The shares should make the walks end near one place. Therefore half
 * of the bound is shared out by the density of each group ($20: how many alerts are sampled to judge it), and half
 * evenly, because the estimate may be wrong.
 */
const MATCHING = (walk: Walk, more = ''): string => `
with density as materialized (
  select v.*, t.tenant_id, s.status, d.weight
  from ${RANKED}, ${TENANTS}, ${STATUSES}
  cross join lateral (
    select case when count(*) < $20::integer then 0 else 1 / (extract(epoch from max(near.at) - min(near.at)) + 0.001) end as weight
    from (select a.${WALKS[walk].at} as at from tocsin.alert a where ${BEHIND(walk)} order by ${IN_TIME(walk)} limit $20::integer) near
  ) d
), share as materialized (
  select *, 1 + floor($18::integer * (even + coalesce(weight / nullif(sum(weight) over (), 0), even)) / 2)::integer as alerts
  from (select *, 1.0 / count(*) over () as even from density) of_group
), walked as materialized (
  select v.rank, v.alerts, walk.*
  from share v, lateral (select v.tenant_id) t, lateral (select v.status) s
  cross join lateral (
    select *
    from (
      select a.tenant_id, a.alert_id, a.${WALKS[walk].at} as at, a.first_seen_at, a.severity,
        row_number() over (order by ${IN_TIME(walk)}) as n, (${CONDITIONS(9)}${WALKS[walk].passes}) as passes
      from tocsin.alert a where ${BEHIND(walk)} order by ${IN_TIME(walk)} limit v.alerts
    ) one
    where passes or n = v.alerts
    order by ${inTime(WALKS[walk])}
    limit $19
  ) walk
), ended as materialized (
  select rank, severity, first_seen_at, at, alert_id from walked where n = alerts order by rank, ${inTime(WALKS[walk])} limit 1
), passing as materialized (
  select * from walked w
  where passes and not exists (
    select from ended e where w.rank > e.rank or (w.rank = e.rank and ${behindOf(WALKS[walk], 'w', 'e.at, e.alert_id')})
  )
  order by rank, ${inTime(WALKS[walk])}
  limit $19
), reached as materialized (
  (select 1 as nearest, severity, first_seen_at, at, alert_id from passing order by rank, ${inTime(WALKS[walk])} offset $19 - 1)
  union all select 2, severity, first_seen_at, at, alert_id from ended
  order by nearest limit 1
), matching as materialized (
  select p.rank, a.tenant_id, a.alert_id, p.at, a.first_seen_at, a.status, a.severity, a.service, a.type${more}
  from passing p join tocsin.alert a on a.tenant_id = p.tenant_id and a.alert_id = p.alert_id
  where concat_ws(E'\\n', a.title, a.message, a.name) ilike all ($17::text[])
    and not exists (select from unnest($15::text[], $16::text[]) as w(key, value) where a.labels ->> w.key is distinct from w.value)
)`;

/**
 * A page of the matches, $21 at most. Each row tells what was reached; when nothing matches, one row tells only that.
 */
export const matchingPageStatement = (walk: Walk): string => `${MATCHING(walk)}, page as materialized (
  select * from matching order by rank, ${inTime(WALKS[walk])} limit $21
)
select r.severity as reached_severity, r.first_seen_at as reached_seen_at, r.at as reached_at, r.alert_id as reached_id, a.*
from (select) one left join reached r on true
left join (page p join tocsin.shown_alert a on a.tenant_id = p.tenant_id and a.alert_id = p.alert_id) on true
order by p.rank, ${inTime(WALKS[walk], 'p.')}`;

const CUBE = 'tenant_id, status, severity, service, type';

/**
 * Counts the alerts of each kind that pass $6 to $11, among at most $12 that the walk passes; alerts that are not
 * resolved come first. Each row tells how many alerts were passed (`walked`).
 */
export const COUNTS = `
select ${CUBE}, count(*) filter (where ${CONDITIONS(6)})::integer as alerts, (sum(count(*)) over ())::integer as walked
from (
  select found.*
  from (select * from unnest($2::text[]) with ordinality as s(status, place), ${SEVERITIES}, ${TENANTS} order by place) g, lateral (select g.tenant_id) t, lateral (select g.status) s, lateral (select g.severity) v
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
export const MATCHING_COUNTS = `${MATCHING('down')}, counted as (
  select ${CUBE}, count(*)::integer as alerts from matching group by ${CUBE}
)
select not exists (select from reached) as complete, c.* from (select) one left join counted c on true`;

export const BY_ID = `
select a.*
from tocsin.shown_alert a
where a.tenant_id = any ($1::text[]) and a.alert_id = any ($2::uuid[])`;

/** The alert of the messages of service $2 with the key $3. */
export const BY_KEY = `
select a.alert_id, a.status, a.service, a.dedup_key
from tocsin.alert a
where a.tenant_id = $1 and a.service = $2 and a.dedup_key = $3`;

/** The entries of alert $2 of tenant $1 with a number below $3, at most $4. The alert itself names its first entry. */
export const HISTORY = `
select * from (
  select e.* from tocsin.entry e
  where e.tenant_id = $1 and e.alert_id = $2 and e.previous_status is not null and e.seq < $3
  order by e.seq desc limit $4
) later
union all
select e.* from tocsin.alert a join tocsin.entry e on e.tenant_id = a.tenant_id and e.seq = a.first_seq
where a.tenant_id = $1 and a.alert_id = $2 and e.alert_id = a.alert_id and e.previous_status is null and e.seq < $3
order by seq desc limit $4`;

/** How a group is named: `=` and the shared value, or nothing when there is none. */
const GROUP_KEYS = {
  service: () => "'=' || a.service",
  tenant: () => "'=' || a.tenant_id",
  name: () => "coalesce('=' || a.name, '')",
  label: (parameter: number) => `coalesce('=' || (a.labels ->> $${parameter}), '')`,
} as const;
/** What can be grouped by. */
export type GroupedBy = keyof typeof GROUP_KEYS;
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
export type GroupOrder = keyof typeof GROUP_ORDERS;

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
export const groupsStatement = (by: GroupedBy, order: GroupOrder): string => `
with walked as materialized (
  select found.*
  from (select * from unnest($2::text[]) with ordinality as s(status, place), ${SEVERITIES}, ${TENANTS} order by place) g, lateral (select g.tenant_id) t, lateral (select g.status) s, lateral (select g.severity) v
  cross join lateral (
    select a.tenant_id, a.alert_id, a.severity, a.first_seen_at, ${groupColumns(by, 18)}, ${CONDITIONS(6)} as passes
    from tocsin.alert a where ${OF_GROUP} order by ${IN_TIME('down')} limit $12
  ) found
  limit $12
), matching as materialized (
  select * from walked where passes
)${groupPage('matching', '(select count(*) < $12 from walked)', order, 13)}`;

/** Groups the matches among the newest alerts. $21 to $25 are those of `groupPage`. $26: the label to group by. */
export const matchingGroupsStatement = (by: GroupedBy, order: GroupOrder): string =>
  MATCHING('down', `, ${groupColumns(by, 26)}`) + groupPage('matching', 'not exists (select from reached)', order, 21);

/** Alerts that are not resolved, by status and severity; no more than $3 in all. */
export const OPEN_COUNTS = `
select status, severity, count(*)::integer as alerts
from (
  select found.* from ${STATUSES}, ${TENANTS}
  cross join lateral (
    select a.status, a.severity from tocsin.alert a where a.tenant_id = t.tenant_id and a.status = s.status order by a.severity, a.first_seen_at limit $3
  ) found
  limit $3
) counted
group by status, severity`;

const BUCKETS = (from: number, seconds = from + 1) =>
  `floor(extract(epoch from first_seen_at - $${from}::timestamptz) / $${seconds}::integer)::integer as bucket`;

/**
 * Alerts first seen from $4 on and before $5 that pass $6 to $11, by severity, in buckets of $14 seconds from $13 on;
 * the walk passes no more than $12. Each row tells how many it passed (`walked`).
 */
export const TIMELINE = `
select severity, ${BUCKETS(13)}, count(*) filter (where passes)::integer as alerts, (sum(count(*)) over ())::integer as walked
from (
  select found.* from ${SEVERITIES}, ${STATUSES}, ${TENANTS}
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
export const MATCHING_TIMELINE = `${MATCHING('down')}, counted as (
  select severity, ${BUCKETS(21)}, count(*)::integer as alerts from matching group by severity, bucket
)
select not exists (select from reached) as complete, c.* from (select) one left join counted c on true`;

/**
 * The numbers of each tenant: a row without a bucket counts the alerts of one severity that have one of the statuses
 * $2; a row with one counts the alerts of the statuses $8 that were first seen in this bucket of $7 seconds, from $4 on
 * and before $5. Each walk passes $6 alerts at most, the newest first. `cut`: the newest bucket of the tenant in which
 * a walk ended at this bound, so that this bucket and those before it are not counted completely; null: all are.
 */
export const TENANT_COUNTS = `
with seen as materialized (
  select t.tenant_id, ${BUCKETS(4, 7)}, count(*)::integer as alerts, s.status, v.severity
  from ${TENANTS}, unnest($8::text[]) as s(status), ${SEVERITIES}
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
from ${TENANTS}, ${STATUSES}, ${SEVERITIES}
cross join lateral (
  select count(*)::integer as alerts
  from (select from tocsin.alert a where a.tenant_id = t.tenant_id and a.status = s.status and a.severity = v.severity limit $6) one
) found
where found.alerts > 0
union all
select tenant_id, null, null, seen.bucket, sum(seen.alerts)::integer, cut.bucket
from seen left join cut using (tenant_id)
group by tenant_id, seen.bucket, cut.bucket`;
