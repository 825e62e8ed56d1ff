-- Counts the streams of all gateways together, for an installation without Redis.

-- One call of a gateway: it states how many streams it has in each of the `slots`, and asks for more. `wanted` lists
-- the streams that want slots, each as [[position in `slots`, limit], …]; a stream gets all of its slots or none.
-- Returns `full`: for each stream the position of its first full slot, counted from 1, or 0 where its slots were taken;
-- and `forgotten`: whether the gateway was not known, so that its other counts are missing too.
create or replace function count_streams(gateway uuid, lifetime_ms integer, slots text[], counts integer[],
  wanted jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  own integer[] := counts;
  others integer[];
  answers integer[] := '{}';
  forgotten boolean;
  stream jsonb;
  slot_at integer;
  full_at integer;
begin
  -- counts are not kept over a crash, so nothing here waits for the disk
  perform set_config('synchronous_commit', 'off', true);
  -- one gateway after another: of many takes at once exactly as many succeed as there are slots
  perform pg_advisory_xact_lock(hashtext('tocsin stream slots'));
  insert into stream_gateway as known values (gateway, clock_timestamp() + lifetime_ms * interval '1 ms')
  on conflict (instance) do update set alive_until = excluded.alive_until
  returning known.xmax = 0 into forgotten;
  if wanted = '[]' then
    -- a call without a waiting stream has time for what crashed gateways have left
    delete from stream_gateway where alive_until < clock_timestamp() - interval '1 minute';
  end if;
  others := array(
    select coalesce((select sum(held.streams) from stream_slot held join stream_gateway alive using (instance)
                     where held.slot = one.slot and held.instance <> gateway and alive.alive_until > clock_timestamp()),
                       0)::integer
    from unnest(slots) with ordinality as one(slot, at) order by one.at);
  for stream in select value from jsonb_array_elements(wanted) loop
    full_at := 0;
    for at in 0 .. jsonb_array_length(stream) - 1 loop
      slot_at := (stream -> at ->> 0)::integer + 1;
      if others[slot_at] + own[slot_at] >= (stream -> at ->> 1)::integer then
        full_at := at + 1;
        exit;
      end if;
    end loop;
    if full_at = 0 then
      for at in 0 .. jsonb_array_length(stream) - 1 loop
        slot_at := (stream -> at ->> 0)::integer + 1;
        own[slot_at] := own[slot_at] + 1;
      end loop;
    end if;
    answers := answers || full_at;
  end loop;
  insert into stream_slot select one.slot, gateway, one.streams
    from unnest(slots, own) as one(slot, streams) where one.streams > 0
  on conflict (slot, instance) do update set streams = excluded.streams;
  delete from stream_slot held using unnest(slots, own) as one(slot, streams)
  where held.instance = gateway and held.slot = one.slot and one.streams = 0;
  return jsonb_build_object('full', to_jsonb(answers), 'forgotten', forgotten);
end $$;

-- Removes a gateway that has closed.
create or replace function forget_gateway(gateway uuid)
returns void
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  delete from stream_gateway where instance = gateway
$$;

alter function count_streams owner to tocsin_definer;
alter function forget_gateway owner to tocsin_definer;
revoke all on function count_streams, forget_gateway from public;
grant execute on function count_streams, forget_gateway to tocsin_gateway;
