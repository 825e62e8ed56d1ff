-- Browsers that get push messages. A browser is identified by its endpoint, and belongs to the same user in all
-- tenants: the policy `by_endpoint` shows the rows of one endpoint in all tenants.

-- `token_issued_at`: when the caller's token was issued, '-infinity' when the token does not say. Null: a gateway of
-- the version before calls. Then the revocations that are stored count as checked, although it may not know the newest.
create or replace function subscribe_push(
  of_user text, of_issuer text, tenants text[], at_endpoint text, p256dh text, auth text, most integer,
  token_issued_at timestamptz default null
)
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  received timestamptz(3) := clock_timestamp();
begin
  perform set_config('tocsin.tenants', tenants::text, true);
  perform set_config('tocsin.endpoints', array[at_endpoint]::text, true);
  -- two requests for one browser wait for each other, so that neither finds the other's rows half written
  perform pg_advisory_xact_lock(hashtextextended(at_endpoint, 14));
  delete from push_subscription s
  where s.endpoint = at_endpoint and (s.user_id <> of_user or s.issuer <> of_issuer or s.tenant_id <> all (tenants));
  insert into push_subscription as s (
    endpoint, tenant_id, user_id, issuer, p256dh, auth, renewed_at, renewal, issued_at, after_revocation, listed
  )
  select at_endpoint, t.tenant_id, of_user, of_issuer, subscribe_push.p256dh, subscribe_push.auth, received,
    nextval('push_renewal'), coalesce(token_issued_at, '-infinity'),
    case when token_issued_at is not null then 0
      else (select coalesce(max(r.revocation_id), 0) from revocation r where r.user_id = of_user and r.jti is null) end,
    exists (select from tenant_membership m where m.user_id = of_user and m.tenant_id = t.tenant_id)
  from unnest(tenants) as t(tenant_id)
  on conflict (endpoint, tenant_id) do update
  set p256dh = excluded.p256dh, auth = excluded.auth, renewed_at = excluded.renewed_at, renewal = excluded.renewal,
      issued_at = excluded.issued_at, after_revocation = excluded.after_revocation, listed = excluded.listed;
  delete from push_subscription s using (
    select o.tenant_id, o.endpoint, row_number() over (partition by o.tenant_id order by o.renewal desc) as place
    from push_subscription o where o.tenant_id = any (tenants) and o.user_id = of_user and o.issuer = of_issuer
  ) placed
  where placed.place > most and s.tenant_id = placed.tenant_id and s.endpoint = placed.endpoint;
  perform set_config('tocsin.endpoints', '', true);
  perform set_config('tocsin.tenants', outside, true);
end $$;

create or replace function push_browsers_of(of_user text, of_issuer text, among text[], lasting interval)
returns table (endpoint text, tenants text[], renewed_at timestamptz, expires_at timestamptz)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', among::text, true);
  return query
  select s.endpoint, array_agg(s.tenant_id order by s.tenant_id), max(s.renewed_at), max(s.renewed_at) + lasting
  from push_subscription s
  where s.tenant_id = any (among) and s.user_id = of_user and s.issuer = of_issuer and s.renewed_at > now() - lasting
  group by s.endpoint
  order by max(s.renewal) desc;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Unsubscribes one of the user's browsers in every tenant. The browser is named by the SHA-256 of its endpoint.
create or replace function unsubscribe_push(of_user text, of_issuer text, among text[], browser text)
returns boolean
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  found_endpoint text;
begin
  perform set_config('tocsin.tenants', among::text, true);
  select s.endpoint into found_endpoint from push_subscription s
  where s.tenant_id = any (among) and s.user_id = of_user and s.issuer = of_issuer
    and encode(sha256(convert_to(s.endpoint, 'UTF8')), 'hex') = browser
  limit 1;
  perform set_config('tocsin.tenants', outside, true);
  if found_endpoint is not null then
    perform forget_push(array[found_endpoint]);
  end if;
  return found_endpoint is not null;
end $$;

-- The browsers of a user in a tenant, and whether they have accepted the delivery. A revocation of the user or of the
-- tenant that is in force ends a subscription that was last renewed with an older token. `RevocationIndex` judges the
-- token in the same way. The end of a membership ends a subscription too, if the list of members had it then. The
-- function also deletes a few subscriptions that were not renewed. `lasting` must not be longer than revocations are in
-- force.
create or replace function push_targets(of_tenant text, of_user text, of_delivery uuid, lasting interval)
returns table (endpoint text, p256dh text, auth text, taken boolean)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  delete from push_subscription s where s.tenant_id = of_tenant and s.user_id = of_user
    and s.renewed_at <= now() - lasting;
  return query
  select s.endpoint, s.p256dh, s.auth, of_delivery = any (s.taken)
  from push_subscription s
  where s.tenant_id = of_tenant and s.user_id = of_user
    and not exists (
      select from revocation r
      where r.user_id = of_user and (r.tenant_id is null or r.tenant_id = of_tenant) and r.jti is null
        and r.created_at > now() - revocation_lasts(r.jti) and coalesce(r.issued_before, r.created_at) > s.issued_at
        and r.revocation_id > s.after_revocation
    )
    and (not s.listed or exists (select from tenant_membership m where m.user_id = of_user and m.tenant_id = of_tenant))
  order by s.renewal desc;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Keeps the newest fifty deliveries of each browser: as many as may wait at the same time for its user's other
-- browsers. Of an older one, the browser gets a duplicate, which it recognises.
create or replace function note_push_taken(of_tenant text, at_endpoints text[], of_delivery uuid)
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  update push_subscription s set taken = (of_delivery || array_remove(s.taken, of_delivery))[:50]
  where s.tenant_id = of_tenant and s.endpoint = any (at_endpoints);
  perform set_config('tocsin.tenants', outside, true);
end $$;

create or replace function forget_push(at_endpoints text[])
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
begin
  perform set_config('tocsin.endpoints', at_endpoints::text, true);
  delete from push_subscription s where s.endpoint = any (at_endpoints);
  perform set_config('tocsin.endpoints', '', true);
end $$;

alter function subscribe_push owner to tocsin_definer;
alter function unsubscribe_push owner to tocsin_definer;
alter function push_browsers_of owner to tocsin_definer;
alter function push_targets owner to tocsin_definer;
alter function note_push_taken owner to tocsin_definer;
alter function forget_push owner to tocsin_definer;
revoke all on function subscribe_push, unsubscribe_push, push_browsers_of, push_targets, note_push_taken, forget_push
  from public;
grant execute on function subscribe_push, unsubscribe_push, push_browsers_of to tocsin_gateway;
grant execute on function push_targets, note_push_taken, forget_push to tocsin_notifier;
