-- Reads, redrives and cancels deliveries. `reach` lists the tenants of the caller. Row-level security enforces it in
-- every statement.

-- The deliveries of one alert or of one notification, or one delivery: the newest first, at most a thousand. The
-- deliveries of an alert are those of its first entry and of its newest entries that ring.
create or replace function find_deliveries(reach text[], of_alert uuid, of_notification uuid, one uuid)
returns setof shown_delivery
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- a few rows are read by their keys, even if the planner's estimates for the tables are wrong
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  tenants text[];
  ids uuid[];
begin
  perform set_config('tocsin.tenants', reach::text, true);
  if of_alert is not null then
    select array_agg(f.tenant_id), array_agg(f.delivery_id) into tenants, ids from (
      select d.tenant_id, d.delivery_id
      from unnest(reach) as t(tenant_id)
      cross join lateral (select a.tenant_id, a.first_seq
        from alert a where a.tenant_id = t.tenant_id and a.alert_id = of_alert limit 1) a
      cross join lateral (
        select a.first_seq as seq
        union
        (select e.seq from event e
         where e.tenant_id = a.tenant_id and e.alert_id = of_alert and e.previous_status is not null
           and e.rings is not false
         order by e.seq desc limit 100)
      ) e
      cross join lateral (select d.tenant_id, d.delivery_id
        from delivery d where d.tenant_id = a.tenant_id and d.seq = e.seq and d.alert_id = of_alert) d
      limit 1000
    ) f;
  elsif of_notification is not null then
    select array_agg(d.tenant_id), array_agg(d.delivery_id) into tenants, ids
    from unnest(reach) as t(tenant_id)
    cross join lateral (select d.tenant_id, d.delivery_id
      from delivery d where d.tenant_id = t.tenant_id and d.notification_id = of_notification limit 1000) d;
  else
    select array_agg(d.tenant_id), array_agg(d.delivery_id) into tenants, ids
    from unnest(reach) as t(tenant_id)
    cross join lateral (select d.tenant_id, d.delivery_id
      from delivery d where d.tenant_id = t.tenant_id and d.delivery_id = one limit 1) d;
  end if;
  return query
  select (l.d).*
  from unnest(tenants, ids) as t(tenant_id, delivery_id)
  cross join lateral (select d from shown_delivery d
    where d.tenant_id = t.tenant_id and d.delivery_id = t.delivery_id limit 1) l
  order by (l.d).created_at desc, (l.d).seq desc nulls last, (l.d).channel, (l.d).recipient;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- The matching deliveries of a tenant after a place in the list, the newest first. A page looks at `looked_at_most`
-- deliveries, because no index has the status. `places` is the last delivery that it looked at, when more may follow.
create or replace function read_deliveries(
  of_tenant text, statuses text[], of_channel text, since timestamptz, before_at timestamptz, before_id uuid,
    at_most integer, looked_at_most integer
)
returns table (deliveries json, last_at timestamptz, last_id uuid)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  ids uuid[];
  looked integer;
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  with looked_at as (
    select d.delivery_id, d.created_at, d.status, d.channel from delivery d
    where d.tenant_id = of_tenant and (since is null or d.created_at >= since)
      and (before_at is null or (d.created_at, d.delivery_id) < (before_at, before_id))
    order by d.created_at desc, d.delivery_id desc limit looked_at_most
  ), matching as (
    select l.delivery_id, l.created_at from looked_at l
    where (statuses is null or l.status = any (statuses)) and (of_channel is null or l.channel = of_channel)
    order by l.created_at desc, l.delivery_id desc limit at_most
  ), reached as (
    -- a full page ends at its last delivery, and any other page where it stopped looking
    select e.created_at, e.delivery_id from (
      select * from matching where (select count(*) from matching) = at_most
      union all
      select l.delivery_id, l.created_at from looked_at l
        where (select count(*) from matching) < at_most and (select count(*) from looked_at) = looked_at_most
    ) e order by e.created_at, e.delivery_id limit 1
  )
  select array(select m.delivery_id from matching m order by m.created_at desc, m.delivery_id desc), r.created_at,
    r.delivery_id
  into ids, last_at, last_id
  from (select 1) one left join reached r on true;
  deliveries := (
    select coalesce(json_agg(l.d order by t.place), '[]')
    from unnest(ids) with ordinality as t(delivery_id, place)
    cross join lateral (select d from shown_delivery d
      where d.tenant_id = of_tenant and d.delivery_id = t.delivery_id limit 1) l);
  return next;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Redrives ended deliveries that have one of `statuses`. Their age counts from now, and their attempts are numbered
-- after those on record, which the schedule of the next attempts does not count. What the provider has reported was
-- said of an earlier message, and is forgotten: it would outrank what is reported of the next one. Returns the redriven
-- ones.
create or replace function redrive_deliveries(reach text[], ids uuid[], statuses text[])
returns table (delivery_id uuid)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  at timestamptz(3) := date_trunc('milliseconds', clock_timestamp());
  places json;
begin
  perform set_config('tocsin.tenants', reach::text, true);
  -- notifications are locked first, in the same order as by a start and a cancellation
  perform from notification n
    where (n.tenant_id, n.notification_id) in (
      select d.tenant_id, d.notification_id
      from unnest(reach) as t(tenant_id) cross join unnest(ids) as i(delivery_id)
      cross join lateral (
        select * from delivery d where d.tenant_id = t.tenant_id and d.delivery_id = i.delivery_id
          and d.notification_id is not null limit 1
      ) d)
    order by n.tenant_id, n.notification_id for update;
  places := (
    select json_agg(json_build_object('tenant_id', l.tenant_id, 'delivery_id', l.delivery_id))
    from (
      select d.tenant_id, d.delivery_id from delivery d
      where d.tenant_id = any (reach) and d.delivery_id = any (ids) and d.status = any (statuses)
      order by d.tenant_id, d.delivery_id for update
    ) l);
  return query
  with again as (
    update delivery d set status = 'pending', reason = null, settled_at = null, created_at = at, due_at = at,
      provider_status = null, provider_code = null, provider_status_at = null
    from json_to_recordset(places) as p(tenant_id text collate "C", delivery_id uuid)
    where d.tenant_id = p.tenant_id and d.delivery_id = p.delivery_id
    returning d.tenant_id, d.delivery_id, d.channel, d.alert_id, d.seq, d.notification_id, d.recipient
  ), queued as (
    insert into delivery_due (tenant_id, delivery_id, channel, alert_id, seq, notification_id, recipient, planned_at,
      first_due_at, due_at, ready, attempt, attempts_before)
    select a.tenant_id, a.delivery_id, a.channel, a.alert_id, a.seq, a.notification_id, a.recipient, at, at, at, true,
      b.attempts, b.attempts
    from again a
    cross join lateral (
      select coalesce(max(e.attempt), 0) as attempts
        from delivery_attempt e where e.tenant_id = a.tenant_id and e.delivery_id = a.delivery_id
    ) b
  ), reopened as (
    update notification n set status = 'started', ended_at = null, ended_by = null
    from (select distinct tenant_id, notification_id from again where notification_id is not null) a
    where n.tenant_id = a.tenant_id and n.notification_id = a.notification_id and n.status in ('done', 'cancelled')
  )
  select a.delivery_id from again a;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Cancels a delivery that waits. A delivery whose attempt is under way stays as it is. Returns whether it was cancelled
-- now.
create or replace function cancel_delivery(reach text[], id uuid)
returns boolean
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  of_tenant text;
begin
  perform set_config('tocsin.tenants', reach::text, true);
  select q.tenant_id into of_tenant from delivery_due q
  where q.tenant_id = any (reach) and q.delivery_id = id and q.begun_at is null for update;
  if of_tenant is not null then
    delete from delivery_due q where q.tenant_id = of_tenant and q.delivery_id = id;
    update delivery d set status = 'cancelled', reason = 'by_request',
      settled_at = date_trunc('milliseconds', clock_timestamp())
    where d.tenant_id = of_tenant and d.delivery_id = id;
  end if;
  perform set_config('tocsin.tenants', outside, true);
  return of_tenant is not null;
end $$;

alter function find_deliveries owner to tocsin_definer;
alter function read_deliveries owner to tocsin_definer;
alter function redrive_deliveries owner to tocsin_definer;
alter function cancel_delivery owner to tocsin_definer;
revoke all on function find_deliveries, read_deliveries, redrive_deliveries, cancel_delivery from public;
grant execute on function find_deliveries, read_deliveries, redrive_deliveries, cancel_delivery to tocsin_gateway;
