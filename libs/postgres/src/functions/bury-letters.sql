-- Puts messages on record that could not be stored because they are at fault themselves. The number of a dead letter is
-- the time in microseconds: the difference of two numbers of one tenant tells how much time lies between them, and not
-- how many letters of other tenants. Within a call, the letters of a tenant have consecutive numbers. Numbers never go
-- back, whatever the clock does, because a user who works through the letters goes by them. The last two parameters
-- have a default, so that a processor of the release before can go on while the new ones take over.
create or replace function bury_letters(
  tenants text[], reasons text[], details text[], bodies bytea[], routing_keys text[], message_ids text[],
  message_timestamps bigint[], content_encodings text[] default '{}', all_headers jsonb[] default '{}'
)
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  -- microseconds since 2020: fifteen digits, which JSON numbers hold exactly, last until 2051
  started bigint;
begin
  perform pg_advisory_xact_lock('dead_letter'::regclass::oid::bigint);
  started := greatest((extract(epoch from clock_timestamp() - timestamptz '2020-01-01Z') * 1000000)::bigint,
    nextval('dead_letter_dead_letter_id_seq'));
  insert into dead_letter (dead_letter_id, tenant_id, reason, detail, body, routing_key, message_id, message_timestamp,
    content_encoding, headers) overriding system value
  select started + row_number() over (order by tenant_id, ord), tenant_id, reason, detail, body, routing_key,
    message_id, message_timestamp, content_encoding, headers
  from unnest(tenants, reasons, details, bodies, routing_keys, message_ids, message_timestamps, content_encodings,
    all_headers)
    with ordinality as letter(tenant_id, reason, detail, body, routing_key, message_id, message_timestamp,
      content_encoding, headers, ord);
  perform setval('dead_letter_dead_letter_id_seq', started + cardinality(tenants));
end $$;

alter function bury_letters owner to tocsin_definer;
revoke all on function bury_letters from public;
-- the gateway buries what it refuses of a webhook whose other alerts it has published
grant execute on function bury_letters to tocsin_processor, tocsin_gateway;
