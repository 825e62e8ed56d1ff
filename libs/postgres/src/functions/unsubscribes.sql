-- The addresses that get no more messages of a tenant over a channel.

-- Sets whether an address is unsubscribed.
create or replace function set_unsubscribed(of_tenant text, over_channel text, at_address text, wanted boolean)
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  if wanted then
    insert into unsubscribed (tenant_id, channel, address) values (of_tenant, over_channel, lower(at_address))
      on conflict do nothing;
  else
    delete from unsubscribed u where u.tenant_id = of_tenant and u.channel = over_channel
      and u.address = lower(at_address);
  end if;
  perform set_config('tocsin.tenants', outside, true);
end $$;

create or replace function is_unsubscribed(of_tenant text, over_channel text, at_address text)
returns boolean
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  found_it boolean;
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  found_it := exists (
    select from unsubscribed u where u.tenant_id = of_tenant and u.channel = over_channel
      and u.address = lower(at_address));
  perform set_config('tocsin.tenants', outside, true);
  return found_it;
end $$;

alter function set_unsubscribed owner to tocsin_definer;
alter function is_unsubscribed owner to tocsin_definer;
revoke all on function set_unsubscribed, is_unsubscribed from public;
grant execute on function set_unsubscribed to tocsin_gateway;
grant execute on function is_unsubscribed to tocsin_gateway, tocsin_notifier;
