-- The queue of deliveries, for several notifiers at the same time. Each function runs in autocommit under READ
-- COMMITTED. Locks are taken on `delivery_due` first and on `delivery` after it. A function skips locked rows where it
-- can do without them, so these functions do not wait for ingest or for acts, and those do not wait for these
-- functions.

-- Claims due deliveries of one channel: at most `at_most`, from the tenants in turn. The turn begins with the tenant
-- after `behind`, which is the tenant of the last row of the previous claim. Each tenant gets an equal share. Shares
-- that small tenants do not use go to the others in a second turn.
--
-- A claim begins the attempt. Where a second message would do harm (`at_most_once`) it does not: `begin_deliveries`
-- does, just before the message is sent. Rows in which an attempt is still marked as under way have lost their worker;
-- where a second message would do harm, the delivery ends as `unknown`. Deliveries of alerts that are over are
-- cancelled. Both kinds are returned too, with their verdict. An alert is over when it no longer has the status with
-- which the entry has rung: an entry can ring while the alert is acknowledged, if it raises the severity.
create or replace function claim_deliveries(of_channel text, at_most integer, lease interval, at_most_once boolean,
  behind text, by_worker bigint)
returns setof claimed_delivery
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- rows are read by their keys, even if the planner's estimates for the tables are wrong
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_bitmapscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  claimed_at constant timestamptz(3) := date_trunc('milliseconds', now());
  place text := behind;
  idle boolean := false;
  rest integer := at_most;
  tenants text[];
  found integer;
  setting text;
begin
  setting := set_config('tocsin.claiming', 'on', true);
  update delivery_due d set ready = true
  from (
    select tenant_id, delivery_id from delivery_due
    where channel = of_channel and not ready and due_at <= claimed_at
    order by due_at limit 5000
    for update skip locked
  ) due
  where d.tenant_id = due.tenant_id and d.delivery_id = due.delivery_id;

  loop
    -- the next tenants with due deliveries: one index lookup for each, independent of their backlogs
    tenants := array(
      with recursive due(tenant_id) as (
        (select tenant_id from delivery_due
         where channel = of_channel and ready and tenant_id > place and leased_until <= claimed_at
           order by tenant_id limit 1)
        union all
        select (
          select d.tenant_id from delivery_due d
          where d.channel = of_channel and d.ready and d.tenant_id > due.tenant_id and d.leased_until <= claimed_at
            order by d.tenant_id limit 1)
        from due where due.tenant_id is not null
      )
      select tenant_id from due where tenant_id is not null limit rest);
    if tenants = '{}' then
      exit when idle or place = '';
      -- from the first tenant again, unless the last turn found nothing: then other workers hold the due rows
      idle := true;
      place := '';
      continue;
    end if;
    setting := set_config('tocsin.tenants', tenants::text, true);

    return query
    with picked as materialized (
      select d.*
      from unnest(tenants) as t(tenant_id)
      cross join lateral (
        select ctid as at, tenant_id, delivery_id, alert_id, seq, notification_id, recipient, planned_at, first_due_at,
          attempt, attempts_before, begun_at
        from delivery_due
        where channel = of_channel and ready and tenant_id = t.tenant_id and leased_until <= claimed_at
        order by due_at limit (rest + cardinality(tenants) - 1) / cardinality(tenants)
        for update skip locked
      ) d
      limit rest
    ), judged as materialized (
      select p.*, n.content as notification,
             case
               when p.begun_at is not null and at_most_once then 'lost'
               when p.alert_id is null and n.content is null then 'cancelled'
               when a.status is null or a.status = 'firing' then 'claimed'
               when a.status is distinct from (select status from event where tenant_id = p.tenant_id and seq = p.seq)
                 then 'cancelled'
               else 'claimed'
             end as verdict
      from picked p
      left join lateral (select status from alert
        where tenant_id = p.tenant_id and alert_id = p.alert_id limit 1) a on true
      cross join lateral (select case when p.alert_id is null
        then told_notification(p.tenant_id, p.notification_id) end as content) n
    ), claimed as (
      -- by its place: the row is locked. One that has moved since this statement began is left to the next claim
      update delivery_due d set leased_until = claimed_at + lease, worker = by_worker,
        attempt = case when at_most_once then j.attempt else j.attempt + 1 end,
        begun_at = case when not at_most_once then claimed_at end
      from judged j where j.verdict = 'claimed' and d.ctid = j.at and d.delivery_id = j.delivery_id
      returning j.*
    ), dropped as (
      delete from delivery_due d
      using judged j where j.verdict <> 'claimed' and d.ctid = j.at and d.delivery_id = j.delivery_id
      returning j.*
    ), taken as materialized (
      select * from claimed union all select * from dropped
    ), lost as (
      insert into delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome, reason)
      select tenant_id, delivery_id, attempt, begun_at, claimed_at, 'unknown', 'worker_lost'
        from taken where begun_at is not null
      on conflict do nothing
    ), ended as (
      update delivery d set settled_at = claimed_at,
        status = case j.verdict when 'lost' then 'unknown' else 'cancelled' end,
        reason = case when j.verdict = 'lost' then 'worker_lost'
                      when j.alert_id is null then 'by_request' else 'alert_over' end
      from dropped j
      where d.tenant_id = j.tenant_id and d.delivery_id = j.delivery_id
    )
    select j.verdict, j.attempt + 1, j.begun_at, j.attempts_before, j.notification,
      j.tenant_id, j.delivery_id, of_channel, j.recipient, j.planned_at, j.first_due_at, e.*
    from taken j
    left join lateral (select * from event where tenant_id = j.tenant_id and seq = j.seq limit 1) e on true;
    get diagnostics found = row_count;
    rest := rest - found;
    exit when rest <= 0;
    place := tenants[cardinality(tenants)];
    idle := idle and found = 0;
  end loop;
  setting := set_config('tocsin.claiming', '', true);
  setting := set_config('tocsin.tenants', outside, true);
end $$;

-- The reason why a delivery must not be attempted again: its alert is over, or its notification was cancelled. Null
-- when there is none.
create or replace function over_reason(for_tenant text, for_delivery uuid)
returns text
language plpgsql stable security invoker
set search_path = tocsin, pg_temp
as $$
begin
  return (
    select case
             when a.status <> 'firing' and a.status
               is distinct from (select status from event where tenant_id = d.tenant_id and seq = d.seq)
               then 'alert_over'
             when d.notification_id is not null and told_notification(d.tenant_id, d.notification_id) is null
               then 'by_request'
           end
    from delivery d
    left join lateral (select status from alert
      where tenant_id = d.tenant_id and alert_id = d.alert_id limit 1) a on true
    where d.tenant_id = for_tenant and d.delivery_id = for_delivery);
end $$;

-- Settles an attempt that is no longer the one under way. If its delivery ended as `unknown` because its worker was
-- lost, and the worker has come back, its outcome replaces `unknown`. So a delivery that the provider has certainly not
-- accepted is attempted again, and its notification goes on. In all other cases the delivery was settled before or
-- belongs to another worker now, and nothing changes.
create or replace function settle_late(
  of_tenant text, of_delivery uuid, of_attempt integer, with_outcome text, with_reason text, with_answer text,
  with_provider_id text, again_in_ms double precision, at timestamptz
)
returns text
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  due delivery_due;
  told delivery;
  newest delivery_attempt;
  why text := with_reason;
begin
  select * into due from delivery_due where tenant_id = of_tenant and delivery_id = of_delivery;
  if found then
    return case when due.begun_at is null and due.attempt <= of_attempt and due.leased_until <= at then 'pending'
      else 'stale' end;
  end if;
  select * into told from delivery where tenant_id = of_tenant and delivery_id = of_delivery for no key update;
  select * into newest from delivery_attempt
    where tenant_id = of_tenant and delivery_id = of_delivery order by attempt desc limit 1;
  if told.delivery_id is null or newest.attempt > of_attempt then
    return 'stale';
  end if;
  if told.status not in ('unknown', 'cancelled') or newest.reason is distinct from 'worker_lost'
    or newest.attempt < of_attempt then
    -- a report was first, and could not tell of which attempt it was; the worker knows
    update delivery_attempt set provider_id = with_provider_id
    where tenant_id = of_tenant and delivery_id = of_delivery and attempt = of_attempt and provider_id is null
      and with_provider_id is not null;
    return told.status;
  end if;

  told.status := with_outcome;
  if with_outcome in ('retry', 'released') then
    why := over_reason(of_tenant, of_delivery);
    told.status := case when why is null then 'pending' else 'cancelled' end;
  end if;
  if with_outcome in ('released', 'expired') then
    delete from delivery_attempt where tenant_id = of_tenant and delivery_id = of_delivery and attempt = of_attempt;
  else
    update delivery_attempt set ended_at = at, outcome = with_outcome, reason = with_reason, answer = with_answer,
      provider_id = with_provider_id
    where tenant_id = of_tenant and delivery_id = of_delivery and attempt = of_attempt;
  end if;
  if told.status = 'pending' then
    insert into delivery_due (tenant_id, delivery_id, channel, alert_id, seq, notification_id, recipient, planned_at,
      first_due_at, due_at, attempt, attempts_before)
    values (of_tenant, of_delivery, told.channel, told.alert_id, told.seq, told.notification_id, told.recipient,
      told.created_at, told.due_at, at + make_interval(secs => again_in_ms / 1000),
      of_attempt - case with_outcome when 'released' then 1 else 0 end,
      -- a redrive makes a delivery as old as itself, so what began before that preceded it
      coalesce((
        select max(attempt) from delivery_attempt
        where tenant_id = of_tenant and delivery_id = of_delivery and attempt < of_attempt
          and begun_at < told.created_at), 0));
    if told.notification_id is not null then
      -- locked before it is read: a notifier that ends it at this moment does not see the delivery
      perform from notification where tenant_id = of_tenant and notification_id = told.notification_id
        for no key update;
      update notification set status = 'started', ended_at = null
      where tenant_id = of_tenant and notification_id = told.notification_id and status = 'done';
    end if;
  end if;
  update delivery set status = told.status, reason = why, settled_at = case when told.status <> 'pending' then at end
  where tenant_id = of_tenant and delivery_id = of_delivery;
  return told.status;
end $$;

-- Settles attempts. The lists have an element for each settlement. The result has the place of each settlement and the
-- status of its delivery, in any order. The status is `stale` if another claim has replaced the attempt. The lists must
-- not name a delivery twice.
create or replace function settle_deliveries(
  of_tenants text[], deliveries uuid[], attempts integer[], outcomes text[], reasons text[], answers text[],
  provider_ids text[], again_in_ms double precision[], by_worker bigint
)
returns table (place integer, settled text)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  at constant timestamptz(3) := date_trunc('milliseconds', clock_timestamp());
  places integer[];
  statuses text[];
  setting text;
begin
  setting := set_config('tocsin.tenants', array(select distinct t from unnest(of_tenants) t)::text, true);
  -- What is over and what is tried again are locked by two parts of the statement below, each in the order of the keys,
  -- which is no order of both together: so such a batch first locks all that it names. Most batches are sent as a
  -- whole.
  if cardinality(deliveries) > 1 and outcomes && array['retry', 'released'] then
    perform is_ours from held_deliveries(of_tenants, deliveries, attempts, by_worker);
  end if;
  with asked as materialized (
    -- sorted by their keys, because the rows are locked in this order below
    select a.*, coalesce(o.why, a.reason) as why,
           case when a.outcome not in ('retry', 'released') then a.outcome
                when o.why is not null then 'cancelled' else 'pending' end as status
    from unnest(of_tenants, deliveries, attempts, outcomes, reasons, answers, provider_ids, again_in_ms)
      with ordinality as a(tenant_id, delivery_id, attempt, outcome, reason, answer, provider_id, again_in_ms, ord)
    cross join lateral (select case when a.outcome in ('retry', 'released')
      then over_reason(a.tenant_id, a.delivery_id) end as why) o
    order by a.tenant_id collate "C", a.delivery_id
  ), ended as (
    delete from delivery_due d using asked a
    where a.status <> 'pending' and d.tenant_id = a.tenant_id and d.delivery_id = a.delivery_id
      and case when d.begun_at is not null then d.attempt = a.attempt
               else d.attempt = a.attempt - 1 and d.worker = by_worker and a.outcome in ('released', 'expired') end
      and (a.outcome <> 'released' or d.worker = by_worker)
    returning a.*, d.begun_at
  ), to_repeat as materialized (
    -- what was released or not begun has not used up its number, so a release can meet another worker's claim
    select a.*, d.begun_at
    from asked a
    cross join lateral (
      select * from delivery_due where tenant_id = a.tenant_id and delivery_id = a.delivery_id limit 1 for update
    ) d
    where a.status = 'pending' and (a.outcome <> 'released' or d.worker = by_worker)
      and case when d.begun_at is not null then d.attempt = a.attempt
               else d.attempt = a.attempt - 1 and a.outcome = 'released' end
  ), again as (
    update delivery_due d set due_at = at + make_interval(secs => r.again_in_ms / 1000), ready = false,
      leased_until = '-infinity', begun_at = null, worker = null,
      attempt = r.attempt - case r.outcome when 'released' then 1 else 0 end
    from to_repeat r where d.tenant_id = r.tenant_id and d.delivery_id = r.delivery_id
  ), settled as materialized (
    select ord, tenant_id, delivery_id, attempt, begun_at, outcome, reason, answer, provider_id, status from ended
    union all
    select ord, tenant_id, delivery_id, attempt, begun_at, outcome, reason, answer, provider_id, status from to_repeat
  ), recorded as (
    insert into delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome, reason, answer,
      provider_id)
    select tenant_id, delivery_id, attempt, begun_at, at, outcome, reason, answer, provider_id
    from settled where outcome not in ('released', 'expired')
  ), told as (
    update delivery d set status = e.status, reason = e.why, settled_at = at
    from ended e where d.tenant_id = e.tenant_id and d.delivery_id = e.delivery_id
  )
  select array_agg(s.ord), array_agg(s.status) into places, statuses from settled s;
  if coalesce(cardinality(places), 0) < cardinality(deliveries) then
    -- The notifications of lost deliveries that may wait again are locked before these deliveries, in the order of
    -- their keys, as by a redrive.
    if outcomes && array['retry', 'released'] then
      perform from notification n
      where (n.tenant_id, n.notification_id) in (
        select d.tenant_id, d.notification_id
        from unnest(of_tenants, deliveries, outcomes) with ordinality as a(tenant_id, delivery_id, outcome, ord)
        cross join lateral (
          select * from delivery
          where tenant_id = a.tenant_id and delivery_id = a.delivery_id and status in ('unknown', 'cancelled')
            and notification_id is not null
          limit 1
        ) d
        where a.outcome in ('retry', 'released') and a.ord <> all (coalesce(places, '{}')))
      order by n.tenant_id, n.notification_id for no key update;
    end if;
    for one in 1 .. cardinality(deliveries) loop
      if one = any (places) then
        continue;
      end if;
      places := places || one;
      statuses := statuses || settle_late(of_tenants[one], deliveries[one], attempts[one], outcomes[one], reasons[one],
        answers[one], provider_ids[one], again_in_ms[one], at);
    end loop;
  end if;
  return query select * from unnest(places, statuses);
  setting := set_config('tocsin.tenants', outside, true);
end $$;

-- The deliveries that a worker names by its claims, with their rows locked in the order of their keys. `is_ours` is not
-- true when another claim has replaced the one that it names, or the delivery is settled.
create or replace function held_deliveries(of_tenants text[], deliveries uuid[], attempts integer[], by_worker bigint)
returns table (tenant_id text, delivery_id uuid, attempt integer, is_ours boolean)
language sql volatile security invoker
set search_path = tocsin, pg_temp
as $$
  -- a claim that is not begun has not used up its number yet
  select s.tenant_id, s.delivery_id, s.attempt, d.worker = by_worker
    and d.attempt = s.attempt - case when d.begun_at is null then 1 else 0 end
  from (
    select * from unnest(of_tenants, deliveries, attempts) as a(tenant_id, delivery_id, attempt)
      order by tenant_id collate "C", delivery_id
  ) s
  left join lateral (
    select * from delivery_due where tenant_id = s.tenant_id and delivery_id = s.delivery_id limit 1 for update
  ) d on true
$$;

-- Begins attempts of deliveries that this worker has claimed `at_most_once`: from now on they may have been sent.
-- Extends their leases to `lease` from now. Returns the others, which must not be sent. A repetition changes nothing.
create or replace function begin_deliveries(of_tenants text[], deliveries uuid[], attempts integer[], lease interval,
  by_worker bigint)
returns setof uuid
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
begin
  perform set_config('tocsin.tenants', array(select distinct t from unnest(of_tenants) t)::text, true);
  return query
  with held as materialized (
    select * from held_deliveries(of_tenants, deliveries, attempts, by_worker)
  ), begun as (
    update delivery_due d set attempt = h.attempt, begun_at = coalesce(d.begun_at, clock_timestamp()),
      leased_until = clock_timestamp() + lease
    from held h where h.is_ours and d.tenant_id = h.tenant_id and d.delivery_id = h.delivery_id
  )
  select delivery_id from held where is_ours is not true;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Extends leases to `lease` from now. Returns the deliveries that this worker has lost: another claim has replaced the
-- one that it names, or they are settled.
create or replace function extend_deliveries(of_tenants text[], deliveries uuid[], attempts integer[], lease interval,
  by_worker bigint)
returns setof uuid
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
begin
  perform set_config('tocsin.tenants', array(select distinct t from unnest(of_tenants) t)::text, true);
  return query
  with held as materialized (
    select * from held_deliveries(of_tenants, deliveries, attempts, by_worker)
  ), extended as (
    update delivery_due d set leased_until = clock_timestamp() + lease
    from held h where h.is_ours and d.tenant_id = h.tenant_id and d.delivery_id = h.delivery_id
  )
  select delivery_id from held where is_ours is not true;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- The numbers of unsettled deliveries by channel. A claimed delivery counts as waiting until its lease ends.
create or replace function delivery_depth()
returns table (channel text, due bigint, oldest_due_at timestamptz, waiting bigint)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
begin
  perform set_config('tocsin.claiming', 'on', true);
  return query
  select d.channel, count(*) filter (where d.is_due), min(d.due_at) filter (where d.is_due),
    count(*) filter (where not d.is_due)
  from (select channel, due_at, due_at <= now() and leased_until <= now() as is_due from delivery_due) d
  group by d.channel
  order by d.channel;
  perform set_config('tocsin.claiming', '', true);
end $$;

alter function claim_deliveries owner to tocsin_definer;
alter function over_reason owner to tocsin_definer;
alter function settle_late owner to tocsin_definer;
alter function settle_deliveries owner to tocsin_definer;
alter function held_deliveries owner to tocsin_definer;
alter function begin_deliveries owner to tocsin_definer;
alter function extend_deliveries owner to tocsin_definer;
alter function delivery_depth owner to tocsin_definer;
revoke all on function claim_deliveries, over_reason, settle_late, settle_deliveries, held_deliveries, begin_deliveries,
  extend_deliveries, delivery_depth from public;
grant execute on function claim_deliveries, settle_deliveries, begin_deliveries, extend_deliveries,
  delivery_depth to tocsin_notifier;
-- counts by channel alone, for the operators' view
grant execute on function delivery_depth to tocsin_gateway;
