-- Stores a revocation and returns it. Each call also deletes a few that have been out of force for a day, so the table
-- stays as small as its use: of the twenty oldest, and of those of sessions, whose index finds them among the others.
-- The cost does not depend on their number. They are deleted in the order of their ids, so that two calls wait for each
-- other in one order.
create or replace function revoke_access(of_user text, of_tenant text, of_token text, issued_before_time timestamptz)
returns table (revocation_id bigint, user_id text, tenant_id text, jti text, issued_before timestamptz,
  created_at timestamptz)
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  delete from revocation r where r.revocation_id = any (array(
    select o.revocation_id from (select * from revocation oldest order by oldest.revocation_id limit 20) as o
    where o.created_at < now() - revocation_lasts(o.jti) - interval '1 day'
    union all
    (
      select s.revocation_id from revocation s
      where s.jti ~ '^session:[A-Za-z0-9_-]{43}$' and s.created_at < now() - interval '2 days'
      order by s.created_at limit 20
    )
  ));
  -- A session that is signed out ends in the same transaction: its revocation is soon out of force, and the session
  -- would be good again.
  delete from session s where of_token ~ '^session:[A-Za-z0-9_-]{43}$' and s.session_id = substr(of_token, 9);
  insert into revocation as r (user_id, tenant_id, jti, issued_before)
  values (of_user, of_tenant, of_token, issued_before_time)
  returning r.revocation_id, r.user_id, r.tenant_id, r.jti, r.issued_before, r.created_at;
$$;

alter function revoke_access owner to tocsin_definer;
revoke all on function revoke_access from public;
grant execute on function revoke_access to tocsin_gateway;
