-- The queue in the database: put, take, settle. Messages stay in the table until they are settled; only the one process
-- that consumes knows which of them are in hand.

create or replace function inbox_put(urgents boolean[], routing_keys text[], bodies bytea[], traceparent text,
  bound integer)
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
begin
  if (select count(*) from (select from inbox limit bound) waiting) >= bound then
    raise exception 'the inbox is full' using errcode = 'configuration_limit_exceeded';
  end if;
  insert into inbox (urgent, routing_key, body, traceparent)
  select one.urgent, one.routing_key, one.body, inbox_put.traceparent
    from unnest(urgents, routing_keys, bodies) as one(urgent, routing_key, body);
end $$;

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
alter function inbox_take owner to tocsin_definer;
alter function inbox_settle owner to tocsin_definer;
alter function inbox_depth owner to tocsin_definer;
revoke all on function inbox_put, inbox_take, inbox_settle, inbox_depth from public;
-- the processor publishes what it takes from other programs (REDIS_PLAIN=bridge)
grant execute on function inbox_put to tocsin_gateway, tocsin_processor;
grant execute on function inbox_take, inbox_settle to tocsin_processor;
grant execute on function inbox_depth to tocsin_gateway;
