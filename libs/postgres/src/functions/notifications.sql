-- Stores, reads and cancels notifications. `reach` lists the tenants of the caller. Row-level security enforces it in
-- every statement.

-- Stores a notification once. A key of a sender identifies one notification: the outcome is `repeated` for the same
-- body, and `conflict` for another body. A notification in a digest gets the status `gathered`. The digest is a row
-- that waits for the end of its window. After it has started, the next notification makes a new digest.
create or replace function create_notification(of_tenant text, says json)
returns table (outcome text, notification_id uuid)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  said notification;
  stored notification;
  digest uuid;
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  said := json_populate_record(null::notification, says);
  said.tenant_id := of_tenant;
  said.notification_id := gen_random_uuid();
  said.created_at := date_trunc('milliseconds', clock_timestamp());
  said.due_at := coalesce(said.due_at, said.created_at);
  said.status := case when said.digest_key is null then 'scheduled' else 'gathered' end;

  insert into notification (tenant_id, notification_id, title, message, severity, status, channels, recipients,
    to_channels, to_recipients, due_at, asked_for, digest_key, digest_every, idempotency_key, body_hash, created_at,
    created_by)
  values (of_tenant, said.notification_id, said.title, said.message, said.severity, said.status, said.channels,
    said.recipients, said.to_channels, said.to_recipients, said.due_at, said.asked_for, said.digest_key,
    said.digest_every, said.idempotency_key, said.body_hash, said.created_at, said.created_by)
  on conflict (tenant_id, created_by, idempotency_key) where idempotency_key is not null do nothing
  returning * into stored;

  if stored.notification_id is null then
    -- a separate statement, so that it sees rows that another transaction has committed meanwhile
    return query
    select case when n.body_hash = said.body_hash then 'repeated' else 'conflict' end, n.notification_id
    from notification n
    where n.tenant_id = of_tenant and n.created_by = said.created_by and n.idempotency_key = said.idempotency_key;
  else
    if said.digest_key is not null then
      insert into notification as d (tenant_id, title, severity, channels, recipients, to_channels, to_recipients,
        due_at, digest_group, digest_key, digest_every, digest_of, created_at, created_by)
      values (of_tenant, said.title, said.severity, said.channels, said.recipients, said.to_channels,
        said.to_recipients, said.created_at + make_interval(secs => said.digest_every), said.digest_group,
        said.digest_key, said.digest_every, 1, said.created_at, said.created_by)
      on conflict (tenant_id, digest_group) where digest_group is not null and status = 'scheduled' do update set
        digest_of = d.digest_of + 1, title = excluded.title,
        severity = case
          when array_position(array['urgent', 'high', 'medium', 'low'], excluded.severity)
             < array_position(array['urgent', 'high', 'medium', 'low'], d.severity) then excluded.severity
          else d.severity end
      returning d.notification_id into digest;
      update notification n set digest_id = digest
        where n.tenant_id = of_tenant and n.notification_id = said.notification_id;
    end if;
    return query select 'created', said.notification_id;
  end if;
  perform set_config('tocsin.tenants', outside, true);
end $$;

create or replace function notification_of_key(of_tenant text, sender text, key text)
returns table (notification_id uuid, body_hash text)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  return query
  select n.notification_id, n.body_hash from notification n
  where n.tenant_id = of_tenant and n.created_by = sender and n.idempotency_key = key;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- The notifications after a place in the list, the newest first. Each tenant and status is one range of the index.
create or replace function read_notifications(reach text[], of_status text, by_sender text, before_at timestamptz,
  before_id uuid, at_most integer)
returns setof shown_notification
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', reach::text, true);
  return query
  select (l.n).*
  from unnest(reach) as t(tenant_id)
  cross join unnest(case when of_status is null then array['scheduled', 'gathered', 'started', 'done', 'cancelled']
    else array[of_status] end) as s(status)
  cross join lateral (
    select n from shown_notification n
    where n.tenant_id = t.tenant_id and n.status = s.status and (by_sender is null or n.created_by = by_sender)
      and (before_at is null or (n.created_at, n.notification_id) < (before_at, before_id))
    order by n.created_at desc, n.notification_id desc
    limit at_most
  ) l
  order by (l.n).created_at desc, (l.n).notification_id desc
  limit at_most;
  perform set_config('tocsin.tenants', outside, true);
end $$;

create or replace function find_notification(reach text[], id uuid)
returns setof shown_notification
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', reach::text, true);
  return query
  select (l.n).*
  from unnest(reach) as t(tenant_id)
  cross join lateral (select n from shown_notification n
    where n.tenant_id = t.tenant_id and n.notification_id = id limit 1) l;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- The tenant of a notification of this sender; no row for any other notification.
create or replace function tenant_of_notification(id uuid, sender text)
returns text
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  found_tenant text;
begin
  perform set_config('tocsin.sender', sender, true);
  select n.tenant_id into found_tenant from notification n where n.created_by = sender and n.notification_id = id;
  perform set_config('tocsin.sender', '', true);
  return found_tenant;
end $$;

-- Cancels a notification, except for deliveries that are under way. A cancellation and a claim take the same lock of a
-- delivery: either the claim comes first and the delivery is under way, or the delivery is cancelled and never claimed.
create or replace function cancel_notification(reach text[], id uuid, by_user text)
returns setof shown_notification
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  stands notification;
  digest notification;
  at timestamptz(3);
  taken uuid[];
  is_pending boolean;
begin
  perform set_config('tocsin.tenants', reach::text, true);
  select n.* into stands from notification n where n.tenant_id = any (reach) and n.notification_id = id for update;
  at := date_trunc('milliseconds', clock_timestamp());

  if stands.status = 'gathered' then
    select d.* into digest from notification d
      where d.tenant_id = stands.tenant_id and d.notification_id = stands.digest_id for update;
    if digest.status = 'scheduled' then
      update notification n set status = 'cancelled', ended_at = at, ended_by = by_user
      where n.tenant_id = stands.tenant_id and n.notification_id = id;
      if digest.digest_of > 1 then
        -- its title and severity may be those of what is cancelled here: they are taken anew from what is left
        update notification d set digest_of = d.digest_of - 1, title = (
            select g.title from notification g
            where g.tenant_id = digest.tenant_id and g.digest_id = digest.notification_id and g.status = 'gathered'
            order by g.created_at desc, g.notification_id desc limit 1
          ), severity = (
            select g.severity from notification g
            where g.tenant_id = digest.tenant_id and g.digest_id = digest.notification_id and g.status = 'gathered'
            order by array_position(array['urgent', 'high', 'medium', 'low'], g.severity) limit 1
          )
        where d.tenant_id = digest.tenant_id and d.notification_id = digest.notification_id;
      else
        update notification d set digest_of = 0, status = 'cancelled', ended_at = at, ended_by = by_user
        where d.tenant_id = digest.tenant_id and d.notification_id = digest.notification_id;
      end if;
    end if;
  elsif stands.status = 'scheduled' then
    update notification n set status = 'cancelled', ended_at = at, ended_by = by_user
    where n.tenant_id = stands.tenant_id and n.notification_id = id;
  elsif stands.status = 'started' then
    taken := array(
      select q.delivery_id
      from delivery d join delivery_due q on q.tenant_id = d.tenant_id and q.delivery_id = d.delivery_id
      where d.tenant_id = stands.tenant_id and d.notification_id = id and q.begun_at is null
      order by q.delivery_id for update of q);
    delete from delivery_due q where q.tenant_id = stands.tenant_id and q.delivery_id = any (taken);
    update delivery d set status = 'cancelled', reason = 'by_request', settled_at = at
    where d.tenant_id = stands.tenant_id and d.delivery_id = any (taken);
    is_pending := exists (
      select from delivery d where d.tenant_id = stands.tenant_id and d.notification_id = id and d.status = 'pending');
    if taken <> '{}' or is_pending then
      update notification n set status = 'cancelled', ended_at = at, ended_by = by_user
      where n.tenant_id = stands.tenant_id and n.notification_id = id;
    end if;
  end if;
  return query
  select (l.n).* from (select n from shown_notification n
    where n.tenant_id = stands.tenant_id and n.notification_id = id limit 1) l;
  perform set_config('tocsin.tenants', outside, true);
end $$;

alter function create_notification owner to tocsin_definer;
alter function notification_of_key owner to tocsin_definer;
alter function read_notifications owner to tocsin_definer;
alter function find_notification owner to tocsin_definer;
alter function tenant_of_notification owner to tocsin_definer;
alter function cancel_notification owner to tocsin_definer;
revoke all on function create_notification, notification_of_key, read_notifications, find_notification,
  tenant_of_notification, cancel_notification from public;
grant execute on function create_notification, notification_of_key, read_notifications, find_notification,
  tenant_of_notification, cancel_notification to tocsin_gateway;
