-- One act of one user on alerts of any tenants: each is judged by its own status, and what may be becomes an entry. In
-- autocommit under READ COMMITTED, with the locks of `store_events` in its order: what is judged is what the last one to
-- act, or the last message, has committed, and stays so until this is.
--
-- `reach` is the tenants of whoever acts, `acting` those in which the user may. `any_assignee`: whoever it is assigned to.
-- What is in no tenant of `reach` is not among the answers. The default of `trace` is for gateways of before, which name none.
create or replace function act_on_alerts(
  reach text[], acting text[], alerts uuid[], act text, by_user text, until timestamptz, to_user text, from_user text, any_assignee boolean, why text,
  from_statuses text[], to_status text, made text, fps text[], trace text default null
)
returns table (
  outcome text, tenant_id text, alert_id uuid, status text, severity text, type text, service text, name text, title text, message text,
  occurrences integer, dedup_key text, first_seen_at timestamptz, last_seen_at timestamptz, labels json, actions json, metadata json,
  assignee text, snoozed_until timestamptz, actor text, acted_at timestamptz, last_seq bigint,
  epoch text, seq bigint, fp text, prev_fp text, event_id text, change text, previous_status text, previous_severity text, folded integer,
  received_at timestamptz, note text, previous_type text, previous_name text, previous_labels json
)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- a few rows by their keys, whatever the planner knows or guesses of a table
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
begin
  perform set_config('tocsin.tenants', reach::text, true);
  -- whose they are, which never changes; with `limit` each is one index look-up
  places := (
    select json_agg(json_build_object('tenant_id', a.tenant_id, 'alert_id', a.alert_id, 'place', t.place, 'allowed', a.tenant_id = any (acting)))
    from unnest(alerts) with ordinality as t(alert_id, place) cross join unnest(reach) as r(tenant_id)
    cross join lateral (select * from alert where tenant_id = r.tenant_id and alert_id = t.alert_id limit 1) a);
  tenants := array(
    select distinct p.tenant_id from json_to_recordset(places) as p(tenant_id text collate "C", allowed boolean) where p.allowed order by 1);
  perform from tenant_stream where tenant_id = any (tenants) order by tenant_id for no key update;
  received := date_trunc('milliseconds', clock_timestamp());

  return query
  with found as materialized (
    select a.tenant_id, a.alert_id, a.status, a.severity, a.type, a.service, a.name, a.title, a.message, a.occurrences, a.dedup_key,
           a.first_seen_at, a.last_seen_at, a.assignee, a.snoozed_until, a.actor, a.acted_at, a.last_seq, a.labels, e.actions, e.metadata,
           p.place, p.allowed,
           case act
             when 'note' then true
             when 'assign' then a.assignee is not distinct from to_user
             -- three acts make an alert firing, and only one of them is this one; before there was `acted`, nothing told which
             else a.status = to_status and a.actor = by_user and coalesce(a.acted, made) = made and a.snoozed_until is not distinct from until
           end as stands,
           case act when 'assign' then any_assignee or a.assignee is not distinct from from_user else a.status = any (from_statuses) end as fits,
           -- the same words of the same user within a minute are one note
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
    join event e on e.tenant_id = a.tenant_id and e.seq = a.described_seq
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
    select * from append_acts((
      select json_agg(json_build_object(
               'tenant_id', j.tenant_id, 'alert_id', j.alert_id, 'fp', fps[j.place], 'actor', by_user, 'note', why, 'trace_id', trace,
               'change', case j.verdict when 'made' then made else 'noted' end,
               'status', case when j.verdict = 'made' and to_status is not null then to_status else j.status end,
               'assignee', case when j.verdict = 'made' and act = 'assign' then to_user else j.assignee end,
               'snoozed_until', case when j.verdict = 'made' and to_status is not null then until else j.snoozed_until end
             ) order by j.tenant_id, j.place)
      from judged j where j.verdict in ('made', 'noted')
    ), received)
  )
  select case when n.seq is not null then 'acted' else j.verdict end, j.tenant_id, j.alert_id,
    coalesce(n.status, j.status), j.severity, coalesce(n.type, j.type), j.service,
    case when n.seq is not null then n.name else j.name end, coalesce(n.title, j.title), case when n.seq is not null then n.message else j.message end,
    j.occurrences, j.dedup_key, j.first_seen_at::timestamptz, j.last_seen_at::timestamptz,
    coalesce(n.labels, j.labels), coalesce(n.actions, j.actions), coalesce(n.metadata, j.metadata),
    case when n.seq is not null then n.assignee else j.assignee end,
    case when n.seq is not null then n.snoozed_until else j.snoozed_until::timestamptz end,
    case when n.change in ('assigned', 'noted') or n.seq is null then j.actor else n.actor end,
    case when n.change in ('assigned', 'noted') or n.seq is null then j.acted_at::timestamptz else received::timestamptz end,
    coalesce(n.seq, j.last_seq),
    n.epoch, n.seq, n.fp, n.prev_fp, n.event_id, n.change, n.previous_status, n.previous_severity, n.folded, n.received_at, n.note,
    n.previous_type, n.previous_name, n.previous_labels
  from judged j left join appended n on n.tenant_id = j.tenant_id and n.alert_id = j.alert_id
  order by n.tenant_id, n.seq;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Ends the snoozes whose time is over, at most as many as `fps` offers: whoever comes second finds none left.
create or replace function wake_snoozed(fps text[])
returns table (
  tenant_id text, epoch text, seq bigint, fp text, prev_fp text, event_id text, alert_id uuid, change text, status text, severity text,
  previous_status text, previous_severity text, type text, service text, name text, title text, message text, occurrences integer,
  folded integer, occurred_at timestamptz, received_at timestamptz, dedup_key text, first_seen_at timestamptz, last_seen_at timestamptz,
  labels json, actions json, metadata json, assignee text, snoozed_until timestamptz, actor text, note text, trace_id text,
  previous_type text, previous_name text, previous_labels json
)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- what is due stands in an index, and seldom anything
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
    from (select a.tenant_id from alert a where a.status = 'snoozed' and a.snoozed_until <= now() order by a.snoozed_until limit cardinality(fps)) due
    order by 1);
  perform set_config('tocsin.waking', '', true);
  if tenants = '{}' then
    return;
  end if;
  perform set_config('tocsin.tenants', tenants::text, true);
  perform from tenant_stream where tenant_id = any (tenants) order by tenant_id for no key update;

  return query
  select * from append_acts((
    select json_agg(json_build_object(
             'tenant_id', d.tenant_id, 'alert_id', d.alert_id, 'fp', fps[d.place], 'change', 'unsnoozed', 'status', 'firing', 'assignee', d.assignee
           ) order by d.place)
    from (
      select a.tenant_id, a.alert_id, a.assignee, row_number() over (order by a.snoozed_until, a.tenant_id, a.alert_id) as place
      from alert a
      where a.tenant_id = any (tenants) and a.status = 'snoozed' and a.snoozed_until <= now()
      order by place
      limit cardinality(fps)
    ) d
  ), date_trunc('milliseconds', clock_timestamp())) n
  order by n.tenant_id, n.seq;
  perform set_config('tocsin.tenants', outside, true);
end $$;

alter function act_on_alerts owner to tocsin_definer;
alter function wake_snoozed owner to tocsin_definer;
revoke all on function act_on_alerts, wake_snoozed from public;
grant execute on function act_on_alerts to tocsin_gateway;
grant execute on function wake_snoozed to tocsin_processor;
