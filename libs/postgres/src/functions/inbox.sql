-- The queue in the database: put, take, settle. Messages stay in the table until they are settled; only the one process
-- that consumes knows which of them are in hand.

-- With a bound it counts what waits, and returns how many more may wait afterwards: a publisher that knows of room need
-- not count again. Counting reads all rows that were deleted since the oldest open transaction began, too; during a
-- backup these are many.
create or replace function inbox_put(urgents boolean[], routing_keys text[], bodies bytea[], traceparent text,
  bound integer)
returns integer
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  waiting integer;
begin
  if bound is not null then
    waiting := (select count(*) from (select from inbox limit bound) w);
    if waiting >= bound then
      raise exception 'the inbox is full' using errcode = 'configuration_limit_exceeded';
    end if;
  end if;
  insert into inbox (urgent, routing_key, body, traceparent)
  select one.urgent, one.routing_key, one.body, inbox_put.traceparent
    from unnest(urgents, routing_keys, bodies) as one(urgent, routing_key, body);
  return bound - waiting - cardinality(urgents);
end $$;

-- The next messages that are not in hand, urgent ones first. Of each kind it takes only those behind an id: an index
-- that is read from its beginning passes all rows that were deleted since the oldest open transaction began.
create or replace function inbox_take(in_hand bigint[], at_most integer, behind_urgent bigint, behind_common bigint)
returns table (inbox_id bigint, urgent boolean, routing_key text, traceparent text, body bytea)
language sql stable security definer
set search_path = tocsin, pg_temp
-- rows are read in the order of an index, even if the planner's estimates for the table are wrong
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  with urgents as materialized (
    select inbox_id, urgent, routing_key, traceparent, body from inbox
    where urgent and inbox_id > behind_urgent and inbox_id <> all (in_hand) order by inbox_id limit at_most
  ), commons as materialized (
    select inbox_id, urgent, routing_key, traceparent, body from inbox
    where not urgent and inbox_id > behind_common and inbox_id <> all (in_hand) order by inbox_id
    limit at_most - (select count(*) from urgents)
  )
  select * from urgents union all select * from commons order by urgent desc, inbox_id
$$;

-- of the release before
create or replace function inbox_take(in_hand bigint[], at_most integer)
returns table (inbox_id bigint, routing_key text, traceparent text, body bytea)
language sql stable security definer
set search_path = tocsin, pg_temp
as $$
  select inbox_id, routing_key, traceparent, body
    from inbox where inbox_id <> all (in_hand) order by urgent desc, inbox_id limit at_most
$$;

create or replace function inbox_settle(settled bigint[])
returns void
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  delete from inbox where inbox_id = any (settled)
$$;

-- How many messages wait or are in hand, urgent ones apart, and since when the oldest does. No body is read.
create or replace function inbox_depth()
returns table (queue text, kind text, messages integer, includes_in_hand boolean, oldest_at timestamptz)
language sql stable security definer
set search_path = tocsin, pg_temp
as $$
  select 'inbox', lane.kind, (select count(*) from inbox where urgent = lane.urgent)::integer, true,
    (select put_at from inbox where urgent = lane.urgent order by inbox_id limit 1)
  from (values ('urgent', true), ('common', false)) as lane(kind, urgent)
$$;

alter function inbox_put owner to tocsin_definer;
alter function inbox_take(bigint[], integer) owner to tocsin_definer;
alter function inbox_take(bigint[], integer, bigint, bigint) owner to tocsin_definer;
alter function inbox_settle owner to tocsin_definer;
alter function inbox_depth owner to tocsin_definer;
revoke all on function inbox_put, inbox_take(bigint[], integer), inbox_take(bigint[], integer, bigint, bigint),
  inbox_settle, inbox_depth from public;
-- the processor publishes what it takes from other programs (REDIS_PLAIN=bridge)
grant execute on function inbox_put to tocsin_gateway, tocsin_processor;
grant execute on function inbox_take(bigint[], integer), inbox_take(bigint[], integer, bigint, bigint), inbox_settle
  to tocsin_processor;
grant execute on function inbox_depth to tocsin_gateway;
