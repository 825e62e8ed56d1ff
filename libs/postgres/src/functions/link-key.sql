-- The key that links in messages are signed with.
create or replace function current_link_key()
returns text
language sql stable security definer
set search_path = tocsin, pg_temp
as $$
  select k.key from link_key k
$$;

alter function current_link_key owner to tocsin_definer;
revoke all on function current_link_key from public;
grant execute on function current_link_key to tocsin_gateway, tocsin_notifier;
