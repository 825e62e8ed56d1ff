-- One tenant's entries after a position, in order. Runs with the rights of the caller: row-level security hides the
-- other tenants, with or without the condition below.
create or replace function entries_after(of_tenant text, behind bigint, at_most integer)
returns setof entry
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  return query
  select e.* from entry e
  where e.tenant_id = of_tenant and e.seq > behind
  order by e.seq
  limit at_most;
  perform set_config('tocsin.tenants', outside, true);
end $$;

revoke all on function entries_after from public;
grant execute on function entries_after to tocsin_gateway;
