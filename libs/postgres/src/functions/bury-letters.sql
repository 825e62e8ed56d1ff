-- Puts messages on record that could not be stored for their own fault.
create or replace function bury_letters(tenants text[], reasons text[], details text[], bodies bytea[], routing_keys text[], message_ids text[], message_timestamps bigint[])
returns void
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  insert into dead_letter (tenant_id, reason, detail, body, routing_key, message_id, message_timestamp)
  select * from unnest(tenants, reasons, details, bodies, routing_keys, message_ids, message_timestamps)
$$;

alter function bury_letters owner to tocsin_definer;
revoke all on function bury_letters from public;
grant execute on function bury_letters to tocsin_processor;
