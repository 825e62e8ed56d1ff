-- The key that hints are signed with.
create or replace function current_hint_key()
returns text
language sql stable security definer
set search_path = tocsin, pg_temp
as $$
  select k.key from hint_key k
$$;

alter function current_hint_key owner to tocsin_definer;
revoke all on function current_hint_key from public;
grant execute on function current_hint_key to tocsin_gateway, tocsin_processor;
