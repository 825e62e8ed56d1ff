-- Turns due notifications into deliveries, in steps of a few thousand rows, each in autocommit. Any number of notifiers
-- may call these functions at the same time: each skips the rows that another one has locked.

-- Starts due notifications of the next `tenants_at_once` tenants after `behind`, in byte order. Each of these tenants
-- gets the same share of `at_most`, independent of the others. `next` is null after the last tenant. `left_over` says
-- that some of these tenants may have more due notifications. `refused` lists those that were cancelled because their
-- deliveries cannot be stored: otherwise one of them would hold up all others, in every step.
create or replace function start_notifications(behind text, tenants_at_once integer, at_most integer,
  deliveries_at_most integer)
returns table (next text, started integer, deliveries integer, left_over boolean, refused jsonb)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- rows are found by their keys, even if the planner's estimates for the tables are wrong
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  slice text[];
  tenants text[];
  share integer;
  held_tenants text[];
  held_ids uuid[];
  at timestamptz(3) := date_trunc('milliseconds', clock_timestamp());
begin
  perform set_config('tocsin.starting', 'on', true);
  slice := array(
    with recursive waiting as (
      select (select n.tenant_id from notification n
        where n.status = 'scheduled' and n.tenant_id > behind order by n.tenant_id limit 1) as tenant_id, 1 as place
      union all
      select (select n.tenant_id from notification n
        where n.status = 'scheduled' and n.tenant_id > w.tenant_id order by n.tenant_id limit 1), w.place + 1
      from waiting w where w.tenant_id is not null and w.place < tenants_at_once
    )
    select w.tenant_id from waiting w where w.tenant_id is not null);
  tenants := array(
    select t.tenant_id from unnest(slice) as t(tenant_id)
    where exists (select from notification n
      where n.tenant_id = t.tenant_id and n.status = 'scheduled' and n.due_at <= at));
  perform set_config('tocsin.starting', '', true);
  next := case when cardinality(slice) = tenants_at_once then slice[tenants_at_once] end;
  started := 0;
  deliveries := 0;
  left_over := false;
  refused := '[]';

  if tenants <> '{}' then
    share := greatest(1, at_most / cardinality(tenants));
    perform set_config('tocsin.tenants', tenants::text, true);
    with due as materialized (
      select d.* from unnest(tenants) as t(tenant_id)
      cross join lateral (
        select n.tenant_id, n.notification_id, cardinality(n.to_channels) as fan, n.due_at
        from notification n
        where n.tenant_id = t.tenant_id and n.status = 'scheduled' and n.due_at <= at
        order by n.due_at
        limit share
        for update skip locked
      ) d
    ), in_turn as (
      select d.*, row_number() over (partition by d.tenant_id order by d.due_at, d.notification_id) as turn from due d
    ), counted as materialized (
      select i.*, sum(i.fan) over (order by i.turn, i.tenant_id) as total from in_turn i
    )
    select array_agg(c.tenant_id) filter (where c.total - c.fan < deliveries_at_most),
      array_agg(c.notification_id) filter (where c.total - c.fan < deliveries_at_most),
      coalesce(max(c.turn) = share or bool_or(c.total - c.fan >= deliveries_at_most), false)
    into held_tenants, held_ids, left_over
    from counted c;
    begin
      select b.started, b.deliveries into started, deliveries
      from begin_notifications(held_tenants, held_ids, at) b;
    exception when program_limit_exceeded or data_exception or integrity_constraint_violation or plpgsql_error then
      -- Faults of the input: one notification stays unwritable however often it is tried. Each is started alone, so
      -- that only that one is cancelled.
      for nth in 1 .. cardinality(held_ids) loop
        begin
          select start_notifications.started + b.started, start_notifications.deliveries + b.deliveries
          into started, deliveries
          from begin_notifications(held_tenants[nth:nth], held_ids[nth:nth], at) b;
        exception when program_limit_exceeded or data_exception or integrity_constraint_violation or plpgsql_error then
          update notification n set status = 'cancelled', ended_at = at, ended_by = 'store_failed'
          where n.tenant_id = held_tenants[nth] and n.notification_id = held_ids[nth];
          refused := refused || jsonb_build_object(
            'tenant_id', held_tenants[nth], 'notification_id', held_ids[nth], 'reason', sqlstate);
        end;
      end loop;
    end;
    perform set_config('tocsin.tenants', outside, true);
  end if;
  return next;
end $$;

-- Starts these notifications, which the caller has locked, and makes their deliveries. It is a statement after the
-- locks, so a digest does not list what was cancelled before them. The caller has set the tenants for row-level
-- security, and the settings of the planner.
create or replace function begin_notifications(of_tenants text[], ids uuid[], at timestamptz)
returns table (started integer, deliveries integer)
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
begin
  with begun as (
    update notification n set status = 'started', started_at = at,
      -- a digest lists the newest twenty titles
      message = case when n.digest_of is null then n.message else (
        select string_agg(g.title, e'\n') from (
          select m.title from notification m
          where m.tenant_id = n.tenant_id and m.digest_id = n.notification_id and m.status = 'gathered'
          order by m.created_at desc, m.notification_id desc limit 20
        ) g
      ) end
    from unnest(of_tenants, ids) as h(tenant_id, notification_id)
    where n.tenant_id = h.tenant_id and n.notification_id = h.notification_id
    returning n.tenant_id, n.notification_id, n.to_channels, n.to_recipients,
      greatest(n.due_at, n.created_at) as due_at
  ), made as (
    -- their age counts from the time that was asked for, so a start that is too late for a channel sends nothing
    insert into delivery (tenant_id, notification_id, channel, recipient, due_at, created_at)
    select b.tenant_id, b.notification_id, p.channel, p.recipient, b.due_at, b.due_at
    from begun b cross join unnest(b.to_channels, b.to_recipients) as p(channel, recipient)
    returning tenant_id, delivery_id, channel, notification_id, recipient, due_at
  ), queued as (
    insert into delivery_due (tenant_id, delivery_id, channel, notification_id, recipient, planned_at, first_due_at,
      due_at, ready)
    select m.tenant_id, m.delivery_id, m.channel, m.notification_id, m.recipient, m.due_at, m.due_at, m.due_at, true
      from made m
    returning delivery_id
  )
  select (select count(*) from begun), (select count(*) from queued) into started, deliveries;
  return next;
end $$;

-- Ends started notifications whose deliveries are all settled. It looks at the next `at_most` after a given one, in the
-- order of their keys. Returns the last one that it looked at; no row when none is left.
create or replace function finish_notifications(behind_tenant text, behind_id uuid, at_most integer)
returns table (tenant_id text, notification_id uuid)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- rows are found by their keys, because any other join would read all started notifications each time
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
  held_tenants text[];
  held_ids uuid[];
begin
  perform set_config('tocsin.starting', 'on', true);
  select array_agg(s.tenant_id), array_agg(s.notification_id) into tenants, ids
  from (
    select n.tenant_id, n.notification_id from notification n
    where n.status = 'started' and (n.tenant_id, n.notification_id) > (behind_tenant, behind_id)
    order by n.tenant_id, n.notification_id limit at_most
  ) s;
  perform set_config('tocsin.starting', '', true);
  if ids is null then
    return;
  end if;
  perform set_config('tocsin.tenants', (select array_agg(distinct t)::text from unnest(tenants) t), true);
  -- Only what is locked here is judged: another process may hold the others to redrive their deliveries, which is not
  -- visible before it commits. What cannot end is not locked: a lock is a write, and most are looked at many times.
  select array_agg(h.tenant_id), array_agg(h.notification_id) into held_tenants, held_ids
  from (
    select n.tenant_id, n.notification_id
    from notification n join unnest(tenants, ids) as t(tenant_id, notification_id)
      on n.tenant_id = t.tenant_id and n.notification_id = t.notification_id
    where n.status = 'started' and not exists (
      select from delivery d where d.tenant_id = n.tenant_id and d.notification_id = n.notification_id
        and d.status = 'pending')
    for update of n skip locked
  ) h;
  -- a separate statement, so that it sees deliveries that were redriven before the locks
  update notification n set status = 'done', ended_at = date_trunc('milliseconds', clock_timestamp())
  from unnest(held_tenants, held_ids) as t(tenant_id, notification_id)
  where n.tenant_id = t.tenant_id and n.notification_id = t.notification_id and n.status = 'started'
    and not exists (
      select from delivery d where d.tenant_id = n.tenant_id and d.notification_id = n.notification_id
        and d.status = 'pending');
  perform set_config('tocsin.tenants', outside, true);
  if cardinality(ids) = at_most then
    return query select tenants[at_most], ids[at_most];
  end if;
end $$;

alter function begin_notifications owner to tocsin_definer;
alter function start_notifications owner to tocsin_definer;
alter function finish_notifications owner to tocsin_definer;
revoke all on function begin_notifications, start_notifications, finish_notifications from public;
grant execute on function start_notifications, finish_notifications to tocsin_notifier;
