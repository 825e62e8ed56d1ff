-- Puts messages on record that could not be stored for their own fault. A letter's number is the time in microseconds, so that
-- the gap between two of one tenant's letters tells how long it was and not how many of others' lie between; within a call a
-- tenant's letters stand together. It never goes back, whatever the clock does: whoever works letters off goes by it.
-- The last two have a default: a processor of the release before goes on while the new ones take over.
create or replace function bury_letters(
  tenants text[], reasons text[], details text[], bodies bytea[], routing_keys text[], message_ids text[], message_timestamps bigint[],
  content_encodings text[] default '{}', all_headers jsonb[] default '{}'
)
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  -- from 2020 on: fifteen digits, which readers of numbers take, last until 2051
  started bigint;
begin
  perform pg_advisory_xact_lock('dead_letter'::regclass::oid::bigint);
  started := greatest((extract(epoch from clock_timestamp() - timestamptz '2020-01-01Z') * 1000000)::bigint, nextval('dead_letter_dead_letter_id_seq'));
  insert into dead_letter (dead_letter_id, tenant_id, reason, detail, body, routing_key, message_id, message_timestamp, content_encoding, headers) overriding system value
  select started + row_number() over (order by tenant_id, ord), tenant_id, reason, detail, body, routing_key, message_id, message_timestamp, content_encoding, headers
  from unnest(tenants, reasons, details, bodies, routing_keys, message_ids, message_timestamps, content_encodings, all_headers)
    with ordinality as letter(tenant_id, reason, detail, body, routing_key, message_id, message_timestamp, content_encoding, headers, ord);
  perform setval('dead_letter_dead_letter_id_seq', started + cardinality(tenants));
end $$;

alter function bury_letters owner to tocsin_definer;
revoke all on function bury_letters from public;
-- the gateway buries what it refuses of a webhook whose other alerts it has published
grant execute on function bury_letters to tocsin_processor, tocsin_gateway;
