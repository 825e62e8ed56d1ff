-- Where a fresh stream of one tenant starts. All functions here run with the rights of the caller, under row-level
-- security.

-- The numbers of the newest `wanted` entries that pass a filter, up to a head, the newest first. A null list passes
-- every entry. An entry passes if its alert, as a whole, passed before or after it, as `passes` decides in TypeScript;
-- `labels_with` is an object of labels that it must have, all of them. Walks the index of the event log backwards, over
-- `look_at` entries at most: a filter that passes hardly anything must not read a whole event log.
create or replace function newest_passing(
  of_tenant text, head_seq bigint, floor_seq bigint, wanted integer, look_at integer, severities text[], types text[],
  services text[], names text[], labels_with json
) returns setof bigint
language sql stable security invoker
set search_path = tocsin, pg_temp
as $$
  select newest.seq
  from (
    select e.* from event e
    where e.tenant_id = of_tenant and e.seq > greatest(floor_seq, head_seq - look_at) and e.seq <= head_seq
    order by e.seq desc
  ) newest
  where (services is null or newest.service = any (services))
    and (
      ((severities is null or newest.severity = any (severities))
        and (types is null or newest.type = any (types))
        and (names is null or newest.name = any (names))
        and (labels_with is null
          or not exists (select from json_each_text(labels_with) label
            where newest.labels ->> label.key is distinct from label.value)))
      or (newest.previous_severity is not null
        and (severities is null or newest.previous_severity = any (severities))
        and (types is null or coalesce(newest.previous_type, newest.type) = any (types))
        and (names is null or coalesce(newest.previous_name, newest.name) = any (names))
        and (labels_with is null
          or not exists (
            select from json_each_text(labels_with) label
            where coalesce(newest.previous_labels, newest.labels) ->> label.key is distinct from label.value)))
    )
  limit wanted
$$;

-- Those entries, in order, and after them the entry before the first one, if there is one: the position needs its fp.
-- It is one statement, so that retention deletes nothing in between.
create or replace function newest_entries(
  of_tenant text, head_seq bigint, wanted integer, look_at integer, severities text[], types text[], services text[],
  names text[], labels_with json
) returns setof entry
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  return query
  with passing as materialized (
    select p.seq
    from tenant_stream s, newest_passing(of_tenant, newest_entries.head_seq, s.floor_seq, wanted, look_at, severities,
      types, services, names, labels_with) as p(seq)
    where s.tenant_id = of_tenant
  ), placed as (
    select false as is_before, seq from passing
    union all select true, min(seq) - 1 from passing
  )
  select e.* from placed p join entry e on e.tenant_id = of_tenant and e.seq = p.seq order by p.is_before, e.seq;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- The position after which those entries begin. Gateways of the release before call it while an upgrade rolls.
create or replace function start_behind_newest(of_tenant text, wanted integer, severities text[], types text[],
  services text[], labels_with json default null)
returns table (epoch text, seq bigint, fp text)
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  head tenant_stream;
  start_seq bigint;
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  select * into head from tenant_stream where tenant_id = of_tenant;
  select min(p.seq) - 1 into start_seq
  from newest_passing(of_tenant, head.last_seq, head.floor_seq, wanted, 10000, severities, types, services, null,
    labels_with) as p(seq);
  return query select * from position_at(head, coalesce(start_seq, head.last_seq));
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- The position of the last entry that was received before a time. Entries are received in the order of their numbers,
-- so halving the range finds it with a few index reads and without an index on time.
create or replace function start_at_time(of_tenant text, since timestamptz)
returns table (epoch text, seq bigint, fp text)
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  head tenant_stream;
  before bigint;
  behind bigint;
  middle bigint;
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  select * into head from tenant_stream where tenant_id = of_tenant;
  before := head.floor_seq;
  behind := head.last_seq + 1;
  while behind - before > 1 loop
    middle := (before + behind) / 2;
    if exists (select from event e where e.tenant_id = of_tenant and e.seq = middle and e.received_at >= since) then
      behind := middle;
    else
      before := middle;
    end if;
  end loop;
  return query select * from position_at(head, before);
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Makes a position of a number: with the epoch of the tenant, and the fp of the entry.
create or replace function position_at(head tenant_stream, at_seq bigint)
returns table (epoch text, seq bigint, fp text)
language sql stable security invoker
set search_path = tocsin, pg_temp
as $$
  select head.epoch, at_seq, case at_seq when head.last_seq then head.last_fp when 0 then '0'
    else (select e.fp from event e where e.tenant_id = head.tenant_id and e.seq = at_seq) end
$$;

revoke all on function newest_passing, newest_entries, start_behind_newest, start_at_time, position_at from public;
grant execute on function newest_passing, newest_entries, start_behind_newest, start_at_time,
  position_at to tocsin_gateway;
