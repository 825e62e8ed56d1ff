-- The addresses to which webhooks are posted. Each function sets its tenants itself and is one round trip.

create or replace function current_webhook_key()
returns text
language sql stable security definer
set search_path = tocsin, pg_temp
as $$
  select k.key from webhook_key k
$$;

-- The endpoint of an address. A new endpoint replaces two that were never configured by a user and not used for 90
-- days: messages may name any address, and the table must not grow with every address that was ever named.
create or replace function use_webhook_endpoint(of_tenant text, of_url text)
returns setof webhook_endpoint
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  return query
  update webhook_endpoint e set used_on = current_date
  where e.tenant_id = of_tenant and e.url = of_url and e.used_on < current_date
  returning e.*;
  if not found then
    return query select * from webhook_endpoint e where e.tenant_id = of_tenant and e.url = of_url;
  end if;
  if not found then
    delete from webhook_endpoint e where e.tenant_id = of_tenant and e.endpoint_id in (
      select o.endpoint_id from webhook_endpoint o
      where o.tenant_id = of_tenant and o.owner is null and o.used_on < current_date - 90
      limit 2
    );
    insert into webhook_endpoint (tenant_id, url) values (of_tenant, of_url) on conflict do nothing;
    return query select * from webhook_endpoint e where e.tenant_id = of_tenant and e.url = of_url;
  end if;
  perform set_config('tocsin.tenants', outside, true);
end $$;

create or replace function webhook_endpoint_succeeded(of_tenant text, of_endpoint uuid)
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  update webhook_endpoint e set failing_since = null, failed_at = null
  where e.tenant_id = of_tenant and e.endpoint_id = of_endpoint and e.failing_since is not null;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Records a failure, and switches the endpoint off when it is gone or has failed for long enough. The same transaction
-- stores the notification to the tenant's other recipients, so a crash neither loses nor repeats it.
create or replace function webhook_endpoint_failed(
  of_tenant text, of_endpoint uuid, gone boolean, disable_after interval, forget_after interval
)
returns text
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  right_now timestamptz(3) := clock_timestamp();
  one webhook_endpoint;
  why text;
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  update webhook_endpoint e
  set failing_since = case when e.failed_at > right_now - forget_after then e.failing_since else right_now end,
      failed_at = right_now
  where e.tenant_id = of_tenant and e.endpoint_id = of_endpoint and e.disabled_at is null
  returning * into one;
  if found then
    why := case when gone then 'gone' when one.failing_since <= right_now - disable_after then 'failing' end;
  end if;
  if why is not null then
    update webhook_endpoint e set disabled_at = right_now, disabled_reason = why
    where e.tenant_id = of_tenant and e.endpoint_id = of_endpoint;
    perform tell_of_endpoint(one, why);
  end if;
  perform set_config('tocsin.tenants', outside, true);
  return why;
end $$;

-- A notification to the recipients of the tenant's urgent and high alerts, and to the owner's browsers. It leaves out
-- the path of the address, because the path of a chat's address is its credential.
create or replace function tell_of_endpoint(one webhook_endpoint, why text)
returns void
language plpgsql volatile
set search_path = tocsin, pg_temp
as $$
declare
  to_channels text[];
  to_recipients text[];
  host text := substring(one.url from '^[a-z]+://([^/?#]+)');
begin
  select array_agg(r.channel order by r.channel, r.address), array_agg(r.address order by r.channel, r.address)
  into to_channels, to_recipients
  from (
    select channel, address from recipient
    where tenant_id = one.tenant_id and severity in ('urgent', 'high') and address <> one.url
    union select 'push', 'user:' || one.owner where one.owner is not null
    limit 100
  ) r;
  if to_channels is null then
    return;
  end if;
  perform notify_of_webhook(one.tenant_id, to_channels, to_recipients, 'high', 'tocsin',
    'Webhooks to ' || host || ' are switched off',
    case why
      when 'gone' then 'The receiver answered that the address is gone for good (410).'
      else 'Every attempt has failed since ' || to_char(one.failing_since at time zone 'UTC',
        'YYYY-MM-DD HH24:MI') || ' UTC.'
    end || ' Nothing more is sent to it until it is switched on again (PATCH /api/v1/webhooks/'
        || one.endpoint_id || ').');
end $$;

-- A notification that is due now, stored as the API stores one.
create or replace function notify_of_webhook(
  of_tenant text, to_channels text[], to_recipients text[], of_severity text, by_user text, says text, more text
)
returns uuid
language sql volatile
set search_path = tocsin, pg_temp
as $$
  insert into notification (tenant_id, title, message, severity, channels, recipients, to_channels, to_recipients,
    due_at, created_at, created_by)
  select of_tenant, says, more, of_severity,
         array(select distinct unnest(to_channels)), array(select distinct unnest(to_recipients)), to_channels,
         to_recipients, date_trunc('milliseconds', clock_timestamp()), date_trunc('milliseconds', clock_timestamp()),
         by_user
  returning notification_id
$$;

create or replace function read_webhook_endpoints(tenants text[], of_endpoint uuid)
returns setof webhook_endpoint
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', tenants::text, true);
  return query
  select * from webhook_endpoint e
  where e.tenant_id = any (tenants) and (of_endpoint is null or e.endpoint_id = of_endpoint)
  order by e.created_at, e.endpoint_id
  limit 1000;
  perform set_config('tocsin.tenants', outside, true);
end $$;

-- Null leaves a field as it is. An empty `to_format` means that the host decides, an empty `to_template` that the
-- format does. If two rotations follow within 24 hours, the second one ends the overlap of the first.
create or replace function change_webhook_endpoint(
  tenants text[], of_endpoint uuid, by_user text, to_format text, to_names text[], to_sealed text, to_enabled boolean,
  to_rotate boolean, to_template text default null
)
returns setof webhook_endpoint
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  right_now timestamptz(3) := clock_timestamp();
begin
  perform set_config('tocsin.tenants', tenants::text, true);
  return query
  update webhook_endpoint e set
    owner = coalesce(e.owner, by_user),
    format = case when to_format is null then e.format else nullif(to_format, '') end,
    template = case when to_template is null then e.template else nullif(to_template, '') end,
    header_names = coalesce(to_names, e.header_names),
    sealed_headers = case when to_names is null then e.sealed_headers else to_sealed end,
    disabled_at = case when to_enabled then null
                       when not to_enabled then coalesce(e.disabled_at, right_now)
                       else e.disabled_at end,
    disabled_reason = case when to_enabled then null
                           when not to_enabled then coalesce(e.disabled_reason, 'by_request')
                           else e.disabled_reason end,
    failing_since = case when to_enabled then null else e.failing_since end,
    failed_at = case when to_enabled then null else e.failed_at end,
    secret_version = e.secret_version + to_rotate::int,
    rotated_at = case when to_rotate then right_now else e.rotated_at end
  where e.tenant_id = any (tenants) and e.endpoint_id = of_endpoint
  returning e.*;
  perform set_config('tocsin.tenants', outside, true);
end $$;

create or replace function test_webhook_endpoint(tenants text[], of_endpoint uuid, by_user text)
returns uuid
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  one webhook_endpoint;
  made uuid;
begin
  perform set_config('tocsin.tenants', tenants::text, true);
  select * into one from webhook_endpoint e where e.tenant_id = any (tenants) and e.endpoint_id = of_endpoint;
  if found then
    made := notify_of_webhook(one.tenant_id, array['webhook'], array[one.url], 'low', by_user,
      'A test of this webhook', by_user || ' asked for it. Nothing is wrong.');
  end if;
  perform set_config('tocsin.tenants', outside, true);
  return made;
end $$;

alter function current_webhook_key owner to tocsin_definer;
alter function use_webhook_endpoint owner to tocsin_definer;
alter function webhook_endpoint_succeeded owner to tocsin_definer;
alter function webhook_endpoint_failed owner to tocsin_definer;
alter function tell_of_endpoint owner to tocsin_definer;
alter function notify_of_webhook owner to tocsin_definer;
alter function read_webhook_endpoints owner to tocsin_definer;
alter function change_webhook_endpoint owner to tocsin_definer;
alter function test_webhook_endpoint owner to tocsin_definer;
revoke all on function current_webhook_key, use_webhook_endpoint, webhook_endpoint_succeeded, webhook_endpoint_failed,
  tell_of_endpoint, notify_of_webhook, read_webhook_endpoints, change_webhook_endpoint, test_webhook_endpoint
  from public;
grant execute on function current_webhook_key to tocsin_gateway, tocsin_notifier;
grant execute on function use_webhook_endpoint to tocsin_gateway, tocsin_notifier;
grant execute on function webhook_endpoint_succeeded, webhook_endpoint_failed to tocsin_notifier;
grant execute on function read_webhook_endpoints, change_webhook_endpoint, test_webhook_endpoint to tocsin_gateway;
