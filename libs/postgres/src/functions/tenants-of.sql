-- The tenants that a user may see. The function cannot name them beforehand, so a policy of its own lets the definer
-- see the rows of one user.
create or replace function tenants_of(of_user text)
returns table (tenant_id text, name text, role text)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.member', true), '');
begin
  perform set_config('tocsin.member', of_user, true);
  return query select m.tenant_id, m.name, m.role
    from tenant_membership m where m.user_id = of_user order by m.tenant_id;
  perform set_config('tocsin.member', outside, true);
end $$;

alter function tenants_of owner to tocsin_definer;
revoke all on function tenants_of from public;
grant execute on function tenants_of to tocsin_gateway;
