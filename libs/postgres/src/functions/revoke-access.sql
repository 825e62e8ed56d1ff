-- Stores a revocation. Each call also deletes a few that have been out of force for a day, so the table stays as small
-- as its use. It reads only the twenty oldest, so the cost does not depend on their number.
create or replace function revoke_access(of_user text, of_tenant text, of_token text, issued_before_time timestamptz)
returns void
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  delete from revocation where revocation_id in (
    select revocation_id from (select revocation_id, created_at
      from revocation order by revocation_id limit 20) as oldest
    where created_at < now() - interval '31 days'
  );
  insert into revocation (user_id, tenant_id, jti, issued_before)
    values (of_user, of_tenant, of_token, issued_before_time);
$$;

alter function revoke_access owner to tocsin_definer;
revoke all on function revoke_access from public;
grant execute on function revoke_access to tocsin_gateway;
