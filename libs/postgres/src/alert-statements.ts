// How alerts are found: every statement here walks `alert_search`, the one index of all lists. In it a tenant's alerts of
// one status and one severity stand in the order of time, so whatever is asked for is merged from short walks, one for each
// of these groups. Parameters have the same numbers throughout: $1 tenants, $2 statuses, $3 severities, $4 to $10 the rest
// of the selection.

/** The other conditions that the index decides. A list that is null means any value; $10: alerts that nobody is assigned to. */
const SELECTED = `
      and a.first_seen_at >= $4 and a.first_seen_at < $5
      and ($6::text[] is null or a.service = any ($6))
      and ($7::text[] is null or a.type = any ($7))
      and ($8::text[] is null or a.name = any ($8))
      and ($9::text[] is null or a.assignee = any ($9) or ($10::boolean and a.assignee is null))`;

const OF_GROUP = 'a.tenant_id = t.tenant_id and a.status = s.status and a.severity = v.severity';
const TENANTS = 'unnest($1::text[]) as t(tenant_id)';
const STATUSES = 'unnest($2::text[]) as s(status)';
const SEVERITIES = 'unnest($3::text[]) as v(severity)';

/** The wire's alert, and nothing else. */
const ALERT = `a.tenant_id, a.alert_id, a.status, a.severity, a.type, a.service, a.name, a.title, a.message, a.occurrences, a.dedup_key,
  a.first_seen_at, a.last_seen_at, a.labels, coalesce(e.actions, '[]') as actions, coalesce(e.metadata, '{}') as metadata, a.assignee,
  a.snoozed_until, a.actor, a.acted_at, a.last_seq`;
const WITH_ENTRY = 'left join tocsin.event e on e.tenant_id = a.tenant_id and e.seq = a.described_seq';

/** Which way a list runs. */
export type Direction = 'down' | 'up';
const behind = { down: '<', up: '>' } as const;
const order = { down: 'desc', up: 'asc' } as const;

/**
 * A page of what the index decides. With $3 go $11 to $13: the rank of each severity in the order, and the place behind which
 * its alerts are wanted. $14: how many.
 */
export const pageStatement = (direction: Direction): string => `
with page as materialized (
  select v.rank, found.*
  from unnest($3::text[], $11::integer[], $12::timestamptz[], $13::uuid[]) as v(severity, rank, at, id), ${TENANTS}, ${STATUSES}
  cross join lateral (
    select a.tenant_id, a.alert_id, a.first_seen_at from tocsin.alert a
    where ${OF_GROUP} and (a.first_seen_at, a.alert_id) ${behind[direction]} (v.at, v.id)${SELECTED}
    order by a.first_seen_at ${order[direction]}, a.alert_id ${order[direction]}
    limit $14
  ) found
  order by v.rank, found.first_seen_at ${order[direction]}, found.alert_id ${order[direction]}
  limit $14
)
select ${ALERT}
from page p join tocsin.alert a on a.tenant_id = p.tenant_id and a.alert_id = p.alert_id ${WITH_ENTRY}
order by p.rank, p.first_seen_at ${order[direction]}, p.alert_id ${order[direction]}`;

/**
 * The newest of a selection, $11 of each tenant, and those of them that have the labels ($12 keys, $13 values) and the words
 * ($14, as patterns). What an index cannot decide is decided for so many and no more.
 */
const MATCHING = `
with looked_at as materialized (
  select newest.*
  from ${TENANTS}
  cross join lateral (
    select found.*
    from ${STATUSES}, ${SEVERITIES}
    cross join lateral (
      select a.tenant_id, a.alert_id, a.first_seen_at from tocsin.alert a
      where ${OF_GROUP}${SELECTED}
      order by a.first_seen_at desc, a.alert_id desc
      limit $11
    ) found
    order by found.first_seen_at desc, found.alert_id desc
    limit $11
  ) newest
), matching as materialized (
  select a.tenant_id, a.alert_id, a.first_seen_at, a.status, a.severity, a.service, a.type
  from looked_at l join tocsin.alert a on a.tenant_id = l.tenant_id and a.alert_id = l.alert_id
  where concat_ws(E'\\n', a.title, a.message, a.name) ilike all ($14::text[])
    and not exists (select from unnest($12::text[], $13::text[]) as w(key, value) where a.labels ->> w.key is distinct from w.value)
)`;

/**
 * A page of those. $15 to $18 go together: each severity with its rank and the place behind which its alerts are wanted.
 * $19: how many. Each row says what was looked at; where nothing matches, one row says only that.
 */
export const matchingPageStatement = (direction: Direction): string => `${MATCHING}, page as materialized (
  select v.rank, m.*
  from matching m join unnest($15::text[], $16::integer[], $17::timestamptz[], $18::uuid[]) as v(severity, rank, at, id) on v.severity = m.severity
  where (m.first_seen_at, m.alert_id) ${behind[direction]} (v.at, v.id)
  order by v.rank, m.first_seen_at ${order[direction]}, m.alert_id ${order[direction]}
  limit $19
), reach as (
  select sum(alerts)::integer as alerts, max(since) filter (where alerts = $11) as since, bool_and(alerts < $11) as complete
  from (select count(*) as alerts, min(first_seen_at) as since from looked_at group by tenant_id) of_tenant
)
select coalesce(r.alerts, 0) as searched_alerts, r.since::timestamptz as searched_since, coalesce(r.complete, true) as searched_all, ${ALERT}
from reach r left join (page p join tocsin.alert a on a.tenant_id = p.tenant_id and a.alert_id = p.alert_id ${WITH_ENTRY}) on true
order by p.rank, p.first_seen_at ${order[direction]}, p.alert_id ${order[direction]}`;

const CUBE = 'tenant_id, status, severity, service, type';

/** How many of each kind there are. Counts what is not resolved first, and no more than $11 in all. */
export const COUNTS = `
select ${CUBE}, count(*)::integer as alerts
from (
  select found.* from ${STATUSES}, ${SEVERITIES}, ${TENANTS}
  cross join lateral (select a.tenant_id, a.status, a.severity, a.service, a.type from tocsin.alert a where ${OF_GROUP}${SELECTED}) found
  limit $11
) counted
group by ${CUBE}`;

/** The same of what matches labels and words, with whether all of it was looked at: in a row of its own where nothing matches. */
export const MATCHING_COUNTS = `${MATCHING}, counted as (
  select ${CUBE}, count(*)::integer as alerts from matching group by ${CUBE}
), reach as (
  select coalesce(bool_and(alerts < $11), true) as complete from (select count(*) as alerts from looked_at group by tenant_id) of_tenant
)
select r.complete, c.* from reach r left join counted c on true`;

export const BY_ID = `
select ${ALERT}
from tocsin.alert a ${WITH_ENTRY}
where a.tenant_id = any ($1::text[]) and a.alert_id = any ($2::uuid[])`;

/** The entries of the alert $2 of tenant $1 below number $3, at most $4. The first one is found by what the alert says of it. */
export const HISTORY = `
select * from (
  select e.* from tocsin.event e
  where e.tenant_id = $1 and e.alert_id = $2 and e.previous_status is not null and e.seq < $3
  order by e.seq desc limit $4
) later
union all
select e.* from tocsin.alert a join tocsin.event e on e.tenant_id = a.tenant_id and e.seq = a.first_seq
where a.tenant_id = $1 and a.alert_id = $2 and e.alert_id = a.alert_id and e.previous_status is null and e.seq < $3
order by seq desc limit $4`;

/** What is not resolved, by status and severity; no more than $3 in all. */
export const OPEN_COUNTS = `
select status, severity, count(*)::integer as alerts
from (
  select found.* from ${STATUSES}, ${TENANTS}
  cross join lateral (select a.status, a.severity from tocsin.alert a where a.tenant_id = t.tenant_id and a.status = s.status) found
  limit $3
) counted
group by status, severity`;

/** What was first seen from $4 on and before $5, by severity, in buckets of $6 seconds; no more than $7 in all. */
export const TIMELINE = `
select severity, floor(extract(epoch from first_seen_at - $4::timestamptz) / $6::integer)::integer as bucket, count(*)::integer as alerts
from (
  select found.* from ${SEVERITIES}, ${STATUSES}, ${TENANTS}
  cross join lateral (
    select a.severity, a.first_seen_at from tocsin.alert a where ${OF_GROUP} and a.first_seen_at >= $4 and a.first_seen_at < $5
  ) found
  limit $7
) counted
group by severity, bucket`;
