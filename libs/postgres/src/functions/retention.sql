-- Deletes old rows, in steps of a few tenants or a few thousand rows, each in autocommit. `behind` is the last tenant
-- of the step before ('' at first) and `next` the last tenant of this step. `next` is null when no tenant is left, and
-- when another process runs retention at this moment.

create or replace function may_retain()
returns boolean
language sql volatile
set search_path = tocsin, pg_temp
as $$
  select pg_try_advisory_xact_lock(8662747)
$$;

-- The tenants of one step, in byte order. They are named to row-level security from here to the end of the step.
create or replace function retain_next(behind text, tenants_at_once integer)
returns text[]
language plpgsql volatile
set search_path = tocsin, pg_temp
as $$
declare
  slice text[];
begin
  perform set_config('tocsin.retaining', 'on', true);
  slice := array(select tenant_id from tenant_stream where tenant_id > behind order by tenant_id limit tenants_at_once);
  perform set_config('tocsin.retaining', '', true);
  perform set_config('tocsin.tenants', slice::text, true);
  return slice;
end $$;

-- Raises the floor of each tenant to its last entry that is older than `kept`, and at least a day old whatever `kept`
-- is. Deletes nothing: a gateway must hear of a floor before the entries below it are gone.
create or replace function release_entries(behind text, kept interval, tenants_at_once integer)
returns text
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  cutoff timestamptz := now() - greatest(kept, interval '24 hours');
  slice text[];
  floors bigint[] := '{}';
  stream tenant_stream;
  below bigint;
  above bigint;
  middle bigint;
begin
  if not may_retain() then
    return null;
  end if;
  slice := retain_next(behind, tenants_at_once);
  -- entries are received in the order of their numbers: halving finds the last old one, and reads one entry when none
  -- is old
  for stream in select * from tenant_stream where tenant_id = any (slice) order by tenant_id loop
    below := stream.floor_seq;
    above := stream.last_seq + 1;
    if not exists (select from event e where e.tenant_id = stream.tenant_id and e.seq = below + 1
      and e.received_at < cutoff) then
      above := below + 1;
    end if;
    while above - below > 1 loop
      middle := (below + above) / 2;
      if exists (select from event e where e.tenant_id = stream.tenant_id and e.seq = middle
        and e.received_at < cutoff) then
        below := middle;
      else
        above := middle;
      end if;
    end loop;
    floors := floors || below;
  end loop;
  -- in the order in which every function locks them
  for place in 1 .. cardinality(slice) loop
    update tenant_stream set floor_seq = floors[place] where tenant_id = slice[place] and floor_seq < floors[place];
  end loop;
  perform set_config('tocsin.tenants', outside, true);
  return case when cardinality(slice) = tenants_at_once then slice[tenants_at_once] end;
end $$;

-- The lowest number below `floor` whose entry is there, or `floor`. Entries are deleted from the lowest number up, and
-- numbers have no gaps, so looking back from the floor in ever longer strides and then halving finds it. `min(seq)`
-- would read the index from its beginning, and pass every row that was deleted since the last vacuum, in every step:
-- the more of a large log is deleted, the longer each step would take, up to the statement timeout.
create or replace function first_below(of_tenant text, floor bigint)
returns bigint
language plpgsql volatile
set search_path = tocsin, pg_temp
as $$
declare
  lowest bigint := floor;
  stride bigint := 1;
  gone bigint;
  middle bigint;
begin
  loop
    gone := greatest(lowest - stride, 0);
    exit when gone = 0 or not exists (select from event e where e.tenant_id = of_tenant and e.seq = gone);
    lowest := gone;
    stride := stride * 2;
  end loop;
  while lowest - gone > 1 loop
    middle := (lowest + gone) / 2;
    if exists (select from event e where e.tenant_id = of_tenant and e.seq = middle) then
      lowest := middle;
    else
      gone := middle;
    end if;
  end loop;
  return lowest;
end $$;

-- Deletes entries below the floors, at most `at_most`. The entry at the floor stays, because a cursor at it is still
-- valid. An alert is deleted with the entry that describes it, and deliveries with their entry and their attempts.
--
-- An open alert that a user has acknowledged, snoozed or assigned stays without its entry: the snooze must end, and the
-- next report of the same problem must not ring again. What ends that state appends an entry, which describes the alert
-- from then on, so it is deleted with that one. Other open alerts go: many are never resolved.
create or replace function delete_released(behind text, tenants_at_once integer, at_most integer)
returns table (next text, deleted integer)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  slice text[];
  of_tenant text;
  finished text := behind;
  lowest bigint;
  floor bigint;
  upto bigint;
  gone integer := 0;
begin
  if not may_retain() then
    return query select null::text, 0;
    return;
  end if;
  slice := retain_next(behind, tenants_at_once);
  foreach of_tenant in array slice loop
    floor := (select s.floor_seq from tenant_stream s where s.tenant_id = of_tenant);
    lowest := first_below(of_tenant, floor);
    if lowest < floor then
      upto := least(floor, lowest + at_most - gone);
      with old as (
        delete from event e where e.tenant_id = of_tenant and e.seq >= lowest and e.seq < upto
        returning e.alert_id, e.seq
      )
      delete from alert a using old
      where a.tenant_id = of_tenant and a.alert_id = old.alert_id and a.described_seq = old.seq and a.folded = 0
        and (a.status = 'resolved' or a.status = 'firing' and a.assignee is null);
      -- what is due before the deliveries, as everybody locks them
      delete from delivery_due u using delivery d
      where d.tenant_id = of_tenant and d.seq >= lowest and d.seq < upto
        and u.tenant_id = of_tenant and u.delivery_id = d.delivery_id;
      with old as (
        delete from delivery d where d.tenant_id = of_tenant and d.seq >= lowest and d.seq < upto
        returning d.delivery_id
      )
      delete from delivery_attempt a using old where a.tenant_id = of_tenant and a.delivery_id = old.delivery_id;
      gone := gone + (upto - lowest)::integer;
      exit when upto < floor or gone >= at_most;
    end if;
    finished := of_tenant;
  end loop;
  perform set_config('tocsin.tenants', outside, true);
  return query select case when gone >= at_most or cardinality(slice) = tenants_at_once then finished end, gone;
end $$;

-- As `retain_next`, for tenants that have notifications. They need not have an entry, and so no stream.
create or replace function retain_next_notified(behind text, tenants_at_once integer)
returns text[]
language plpgsql volatile
set search_path = tocsin, pg_temp
-- each tenant is one look-up in the index of the keys
set enable_seqscan = off
as $$
declare
  slice text[];
begin
  perform set_config('tocsin.starting', 'on', true);
  slice := array(
    with recursive notified as (
      select (select n.tenant_id from notification n
        where n.tenant_id > behind order by n.tenant_id limit 1) as tenant_id, 1 as place
      union all
      select (select n.tenant_id from notification n where n.tenant_id > w.tenant_id order by n.tenant_id limit 1),
        w.place + 1
      from notified w where w.tenant_id is not null and w.place < tenants_at_once
    )
    select w.tenant_id from notified w where w.tenant_id is not null order by 1);
  perform set_config('tocsin.starting', '', true);
  perform set_config('tocsin.tenants', slice::text, true);
  return slice;
end $$;

-- Deletes deliveries of notifications that were settled longer than `kept` ago, and at least a day ago whatever `kept`
-- is, with their attempts. Those of entries go with their entries. Then it deletes notifications that ended that long
-- ago and have no delivery left; what a digest has gathered goes when the digest ended that long ago, or is gone. At
-- most `at_most` of both together. What another process holds at this moment stays until the next run.
create or replace function delete_settled(behind text, kept interval, tenants_at_once integer, at_most integer)
returns table (next text, deleted integer)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- It reads what is old and little else, however many rows are not: each look-up is for one tenant and in the order of
-- an index, and rows are deleted by their place (ctid). Without these settings the planner reads whole tables where it
-- expects much to delete.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  cutoff timestamptz := now() - greatest(kept, interval '24 hours');
  slice text[];
  of_tenant text;
  finished text := behind;
  portion integer;
  gone integer := 0;
begin
  if not may_retain() then
    return query select null::text, 0;
    return;
  end if;
  slice := retain_next_notified(behind, tenants_at_once);
  foreach of_tenant in array slice loop
    with old as (
      delete from delivery where ctid = any (array(
        select d.ctid from delivery d
        where d.tenant_id = of_tenant and d.notification_id is not null and d.created_at < cutoff
          and d.settled_at < cutoff
        order by d.created_at limit at_most - gone for update skip locked))
      returning delivery_id
    ), attempts as (
      delete from delivery_attempt a using old where a.tenant_id = of_tenant and a.delivery_id = old.delivery_id
    )
    select count(*) into portion from old;
    gone := gone + portion;
    delete from notification where ctid = any (array(
      select n.ctid from notification n
      where n.tenant_id = of_tenant and n.ended_at < cutoff and n.status in ('done', 'cancelled')
        and not exists (select from delivery d where d.tenant_id = of_tenant and d.notification_id = n.notification_id)
      order by n.ended_at limit at_most - gone for update skip locked));
    get diagnostics portion = row_count;
    gone := gone + portion;
    delete from notification where ctid = any (array(
      select n.ctid from notification n
      where n.tenant_id = of_tenant and n.status = 'gathered' and n.created_at < cutoff and not exists (
        select from notification d
        where d.tenant_id = of_tenant and d.notification_id = n.digest_id
          and (d.status not in ('done', 'cancelled') or d.ended_at >= cutoff))
      order by n.created_at limit at_most - gone for update skip locked));
    get diagnostics portion = row_count;
    gone := gone + portion;
    exit when gone >= at_most;
    finished := of_tenant;
  end loop;
  perform set_config('tocsin.tenants', outside, true);
  return query select case when gone >= at_most or cardinality(slice) = tenants_at_once then finished end, gone;
end $$;

-- Forgets ids that were stored longer than `kept` ago, and at least a day ago whatever `kept` is: about `at_most`, the
-- oldest first. Returns how many. It begins where the step before ended: an index is read from its beginning through
-- every row that was deleted since the last vacuum, as at `first_below`, and times have gaps that no look-up can judge.
-- Nothing older can have come meanwhile, unless the clock was wrong or `kept` was raised. Then that place is not old
-- enough, and the step begins at the oldest id.
create or replace function forget_ids(kept interval, at_most integer)
returns integer
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  cutoff timestamptz := now() - greatest(kept, interval '24 hours');
  behind timestamptz;
  reached timestamptz;
  gone integer;
begin
  if not may_retain() then
    return 0;
  end if;
  behind := coalesce((select f.upto from forgotten_ids f where f.upto < cutoff), '-infinity');
  reached := (
    select max(oldest.stored_at) from (
      select i.stored_at from idempotency i where i.stored_at > behind and i.stored_at < cutoff
      order by i.stored_at limit at_most
    ) oldest);
  if reached is null then
    return 0;
  end if;
  delete from idempotency i where i.stored_at > behind and i.stored_at <= reached;
  get diagnostics gone = row_count;
  update forgotten_ids set upto = reached;
  return gone;
end $$;

alter function may_retain owner to tocsin_definer;
alter function retain_next owner to tocsin_definer;
alter function retain_next_notified owner to tocsin_definer;
alter function first_below owner to tocsin_definer;
alter function release_entries owner to tocsin_definer;
alter function delete_released owner to tocsin_definer;
alter function delete_settled owner to tocsin_definer;
alter function forget_ids owner to tocsin_definer;
revoke all on function may_retain, retain_next, retain_next_notified, first_below, release_entries, delete_released,
  delete_settled, forget_ids from public;
grant execute on function release_entries, delete_released, delete_settled, forget_ids to tocsin_processor;
