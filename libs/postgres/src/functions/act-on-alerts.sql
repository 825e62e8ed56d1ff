-- One act of one user on alerts of any tenants. Each alert is judged by its own status, and an act that is allowed
-- becomes an entry. Runs in autocommit under READ COMMITTED, with the locks of `store_events` in the same order: the
-- state that is judged is what the last act or the last message has committed, and it stays so until this commits.
--
-- `reach` is the tenants of the user, `acting` those in which the user may act. `any_assignee`: the alert may be
-- assigned to anyone. `to_user` is the new assignee of `assign`, and with `acknowledge` the user to whom an alert
-- without an assignee goes; gateways of the release before pass null there. `unacknowledge` removes the assignee again
-- if the acknowledgement set it. Alerts of tenants outside `reach` are not in the result. `trace` has a default for
-- gateways that do not pass it.
create or replace function act_on_alerts(
  reach text[], acting text[], alerts uuid[], act text, by_user text, until timestamptz, to_user text, from_user text,
  any_assignee boolean, why text, from_statuses text[], to_status text, made text, fps text[], trace text default null
)
returns setof shown_act
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- a few rows are read by their keys, even if the planner's estimates for the table are wrong
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  places json;
  tenants text[];
  received timestamptz(3);
  outcomes json;
begin
  perform set_config('tocsin.tenants', reach::text, true);
  -- the tenants of the alerts, which never change; with `limit` each is one index look-up
  places := (
    select json_agg(json_build_object('tenant_id', a.tenant_id, 'alert_id', a.alert_id, 'place', t.place, 'allowed',
      a.tenant_id = any (acting)))
    from unnest(alerts) with ordinality as t(alert_id, place) cross join unnest(reach) as r(tenant_id)
    cross join lateral (select * from alert where tenant_id = r.tenant_id and alert_id = t.alert_id limit 1) a);
  tenants := array(
    select distinct p.tenant_id from json_to_recordset(places) as p(tenant_id text collate "C", allowed boolean)
      where p.allowed order by 1);
  perform from tenant_stream where tenant_id = any (tenants) order by tenant_id for no key update;
  received := date_trunc('milliseconds', clock_timestamp());

  with found as materialized (
    select a.tenant_id, a.alert_id, a.status, a.assignee, a.assigned_by_acknowledging, a.snoozed_until, p.place,
           p.allowed, case act
             when 'note' then true
             when 'assign' then a.assignee is not distinct from to_user
             -- three acts make an alert firing, and only one of them is this one; rows older than the column `acted`
             -- cannot tell which
             else a.status = to_status and a.actor = by_user and coalesce(a.acted, made) = made
               and a.snoozed_until is not distinct from until
           end as stands,
           case act when 'assign' then any_assignee or a.assignee is not distinct from from_user
             else a.status = any (from_statuses) end as fits,
           -- the same text of the same user within a minute counts as one note
           why is null or exists (
             select from (
               select n.actor, n.note, n.received_at from event n
               where n.tenant_id = a.tenant_id and n.alert_id = a.alert_id and n.previous_status is not null
               order by n.seq desc limit 100
             ) newest
             where newest.actor = by_user and newest.note = why and newest.received_at > received - interval '1 minute'
           ) as said
    from json_to_recordset(places) as p(tenant_id text collate "C", alert_id uuid, place integer, allowed boolean)
    join alert a on a.tenant_id = p.tenant_id and a.alert_id = p.alert_id
  ), judged as materialized (
    select f.*, case
             when not f.allowed then 'forbidden'
             when f.stands and f.said then 'unchanged'
             when f.stands then 'noted'
             when f.fits then 'made'
             else 'conflict'
           end as verdict
    from found f
  ), appended as materialized (
    select * from append_entries((
      select json_agg(json_build_object('tenant_id', j.tenant_id, 'alert_id', j.alert_id, 'fp', fps[j.place], 'says',
        json_build_object(
               'event_id', gen_random_uuid(), 'actor', by_user, 'note', why, 'trace_id', trace,
               'change', case j.verdict when 'made' then made else 'noted' end,
               'status', case when j.verdict = 'made' and to_status is not null then to_status else j.status end,
               'assignee', case
                 when j.verdict <> 'made' then j.assignee
                 when act = 'assign' then to_user
                 when act = 'acknowledge' then coalesce(j.assignee, to_user)
                 when act = 'unacknowledge' and j.assigned_by_acknowledging then null
                 else j.assignee
               end,
               'snoozed_until', case when j.verdict = 'made' and to_status is not null then until
                 else j.snoozed_until end
             )) order by j.tenant_id, j.place)
      from judged j where j.verdict in ('made', 'noted')
    ), received)
  )
  select json_agg(json_build_object('tenant_id', j.tenant_id, 'alert_id', j.alert_id, 'says', json_build_object(
           'outcome', case when n.seq is not null then 'acted' else j.verdict end, 'prev_fp', n.prev_fp)))
  into outcomes
  from judged j left join appended n on n.tenant_id = j.tenant_id and n.alert_id = j.alert_id;
  if to_status <> 'firing' then
    perform cancel_deliveries(array_agg(o.tenant_id), array_agg(o.alert_id), received)
    from json_to_recordset(outcomes) as o(tenant_id text collate "C", alert_id uuid, says json)
      where o.says ->> 'outcome' = 'acted'
    having count(*) > 0;
  end if;

  -- a separate statement sees what has been appended: the alerts as they are now, each with its newest entry
  return query
  select (answer.became).*
  from (
    select one.became
    from json_to_recordset(outcomes) as o(tenant_id text collate "C", alert_id uuid, says json)
    cross join lateral (
      select json_populate_record(s, o.says) as became
        from shown_act s where s.tenant_id = o.tenant_id and s.alert_id = o.alert_id limit 1
    ) one
    order by o.tenant_id, (one.became).last_seq
    offset 0
  ) answer;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Ends the snoozes whose time is over, at most as many as `fps` has elements. When several processors call it, the
-- later ones find none left. Without `plans`, no delivery is planned.
create or replace function wake_snoozed(fps text[], plans boolean default true)
returns setof entry
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- due snoozes are found in an index, and there are seldom any
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  tenants text[];
begin
  perform set_config('tocsin.waking', 'on', true);
  tenants := array(
    select distinct due.tenant_id
    from (select a.tenant_id from alert a where a.status = 'snoozed' and a.snoozed_until <= now()
      order by a.snoozed_until limit cardinality(fps)) due
    order by 1);
  perform set_config('tocsin.waking', '', true);
  if tenants = '{}' then
    return;
  end if;
  perform set_config('tocsin.tenants', tenants::text, true);
  perform from tenant_stream where tenant_id = any (tenants) order by tenant_id for no key update;

  return query
  with woken as materialized (
    select * from append_entries((
      select json_agg(json_build_object('tenant_id', d.tenant_id, 'alert_id', d.alert_id, 'fp', fps[d.place], 'says',
        json_build_object(
               'event_id', gen_random_uuid(), 'change', 'unsnoozed', 'status', 'firing', 'snoozed_until', null
             )) order by d.place)
      from (
        select a.tenant_id, a.alert_id, row_number() over (order by a.snoozed_until, a.tenant_id, a.alert_id) as place
        from alert a
        where a.tenant_id = any (tenants) and a.status = 'snoozed' and a.snoozed_until <= now()
        order by place
        limit cardinality(fps)
      ) d
    ), date_trunc('milliseconds', clock_timestamp()))
  ), told_before as materialized (
    -- who was told when the alert rang last is told again. Its first entry is not in the index of its history
    select w.tenant_id, w.alert_id, w.seq, w.severity, d.channel, d.recipient, w.received_at
    from woken w
    cross join lateral (
      select coalesce(
        (select e.seq from event e
         where e.tenant_id = w.tenant_id and e.alert_id = w.alert_id and e.previous_status is not null and e.rings
           and e.seq < w.seq
         order by e.seq desc limit 1),
        (select a.first_seq from alert a where a.tenant_id = w.tenant_id and a.alert_id = w.alert_id)) as seq
    ) rung
    cross join lateral (select distinct channel, recipient
      from delivery where tenant_id = w.tenant_id and seq = rung.seq) d
    where plans
  ), told as materialized (
    select plan_deliveries(array_agg(t.tenant_id), array_agg(t.alert_id), array_agg(t.seq), array_agg(t.severity),
             array_agg(t.channel), array_agg(t.recipient), max(t.received_at))
    from told_before t having count(*) > 0
  )
  -- what is not read does not run
  select w.* from woken w where (select count(*) from told) >= 0
  order by w.tenant_id, w.seq;
  perform set_config('tocsin.tenants', outside, true);
end $$;

alter function act_on_alerts owner to tocsin_definer;
alter function wake_snoozed owner to tocsin_definer;
revoke all on function act_on_alerts, wake_snoozed from public;
grant execute on function act_on_alerts to tocsin_gateway;
grant execute on function wake_snoozed to tocsin_processor;
