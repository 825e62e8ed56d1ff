-- How far a user has seen the event logs of tenants. Only positions in the present history of a tenant count. The
-- issuer is the last parameter and has a default, so that a gateway of the release before can go on while the new ones
-- take over.

create or replace function seen_positions(of_user text, tenants text[], of_issuer text default '')
returns table (tenant_id text, epoch text, seq bigint)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', tenants::text, true);
  return query
  select n.tenant_id, n.epoch, n.seq
  from unnest(tenants) with ordinality as t(tenant_id, place)
  join seen n on n.issuer = of_issuer and n.user_id = of_user and n.tenant_id = t.tenant_id
  join tenant_stream s on s.tenant_id = n.tenant_id and s.epoch = n.epoch
  order by t.place;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Rows are locked in the order of the tenants, independent of the order of the parameters.
create or replace function advance_seen(of_user text, tenants text[], epochs text[], seqs bigint[],
  of_issuer text default '')
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', tenants::text, true);
  insert into seen as n (issuer, user_id, tenant_id, epoch, seq)
  select of_issuer, of_user, s.tenant_id, s.epoch, least(t.seq, s.last_seq)
  from unnest(tenants, epochs, seqs) as t(tenant_id, epoch, seq)
  join tenant_stream s on s.tenant_id = t.tenant_id and s.epoch = t.epoch
  order by s.tenant_id
  on conflict (issuer, user_id, tenant_id) do update set epoch = excluded.epoch, seq = excluded.seq
  where n.epoch <> excluded.epoch or n.seq < excluded.seq;
  perform set_config('tocsin.tenants', outside, true);
end $$;

alter function seen_positions owner to tocsin_definer;
alter function advance_seen owner to tocsin_definer;
revoke all on function seen_positions, advance_seen from public;
grant execute on function seen_positions, advance_seen to tocsin_gateway;
