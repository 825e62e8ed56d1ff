-- How long a revocation is in force, as the port says: of a session (its name is its digest) a day, everything else
-- longer than the longest token lives.
create or replace function revocation_lasts(of_token text)
returns interval
language sql immutable parallel safe
-- no SET clause: it would keep the function from being inlined
as $$
  select case when of_token ~ '^session:[A-Za-z0-9_-]{43}$' then interval '1 day' else interval '400 days' end
$$;

-- The revocations in force with an id above `after_id`, in the order of the ids. Before them: that id itself, and lower
-- ids whose transaction was not certainly over when it was written, because they may have been committed after it was
-- read. Lower ids are searched 10,000 ids back, which is more than are stored within a statement timeout. When there is
-- no revocation with that id, the place of the reader is unknown and it starts from the beginning.
create or replace function revocations_after(after_id bigint)
returns table (revocation_id bigint, user_id text, tenant_id text, jti text, issued_before timestamptz,
  created_at timestamptz)
language sql stable security definer
set search_path = tocsin, pg_temp
as $$
  with place as (
    select r.revocation_id, r.oldest_open from revocation r where r.revocation_id = after_id
  ), late as (
    select r.* from place p
    join revocation r on r.revocation_id between p.revocation_id - 10000 and p.revocation_id
      and r.transaction_id >= p.oldest_open
    where r.created_at > now() - revocation_lasts(r.jti)
  ), fresh as (
    select r.* from revocation r
    where r.revocation_id > coalesce((select p.revocation_id from place p), 0)
      and r.created_at > now() - revocation_lasts(r.jti)
    order by r.revocation_id
    limit 5000
  )
  select f.revocation_id, f.user_id, f.tenant_id, f.jti, f.issued_before, f.created_at
  from (select * from late union all select * from fresh) as f
  order by f.revocation_id
$$;

alter function revocation_lasts owner to tocsin_definer;
alter function revocations_after owner to tocsin_definer;
revoke all on function revocation_lasts, revocations_after from public;
grant execute on function revocations_after to tocsin_gateway;
