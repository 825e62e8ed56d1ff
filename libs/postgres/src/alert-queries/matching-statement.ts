import {
  EACH_TENANT,
  EACH_STATUS,
  CONDITIONS,
  WALKS,
  IN_TIME,
  RANKED,
  BEHIND,
  inTime,
  behindOf,
  type Walk,
} from './walk-terms';

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
export const MATCHING = (walk: Walk, more = ''): string => `
with density as materialized (
  select v.*, t.tenant_id, s.status, d.weight
  from ${RANKED}, ${EACH_TENANT}, ${EACH_STATUS}
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
