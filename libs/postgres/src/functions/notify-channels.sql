-- Sends notifications to the processes that listen, for a bus without Redis.

create or replace function notify_channels(channels text[], payloads text[])
returns void
language plpgsql volatile
set search_path = tocsin, pg_temp
as $$
begin
  -- A transaction with notifications writes a commit record, and others like it wait for its flush. Nothing is stored
  -- here, and a notification may be lost.
  perform set_config('synchronous_commit', 'off', true);
  perform pg_notify(one.channel, one.payload) from unnest(channels, payloads) as one(channel, payload);
end $$;

alter function notify_channels owner to tocsin_definer;
revoke all on function notify_channels from public;
grant execute on function notify_channels to tocsin_gateway, tocsin_processor, tocsin_notifier;
