-- The present position of each tenant, in the order of `asked`. A tenant without an event log gets one.
create or replace function stream_heads(asked text[])
returns table (tenant_id text, epoch text, seq bigint, fp text, floor_seq bigint)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', asked::text, true);
  insert into tenant_stream (tenant_id)
  select distinct a.tenant_id collate "C" as made from unnest(asked) as a(tenant_id)
  where not exists (select from tenant_stream s where s.tenant_id = a.tenant_id)
  -- in the order in which batches make theirs, or the two could wait for each other
  order by made
  on conflict do nothing;
  return query
  select s.tenant_id, s.epoch, s.last_seq, s.last_fp, s.floor_seq
  from unnest(asked) with ordinality as a(tenant_id, place) join tenant_stream s on s.tenant_id = a.tenant_id
  order by a.place;
  perform set_config('tocsin.tenants', outside, true);
end $$;

alter function stream_heads owner to tocsin_definer;
revoke all on function stream_heads from public;
grant execute on function stream_heads to tocsin_gateway;
