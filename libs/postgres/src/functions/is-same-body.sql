-- Whether a message is the same as the one that is stored under its id. Hashes of different kinds cannot be compared: a
-- message that was stored before an upgrade and is sent again after it counts as the same.
create or replace function is_same_body(stored text, said text)
returns boolean
language sql immutable parallel safe
-- no SET clause: it would keep the function from being inlined
as $$
  select stored = said or substring(stored from '^[0-9]+[.]') is distinct from substring(said from '^[0-9]+[.]')
$$;

alter function is_same_body owner to tocsin_definer;
revoke all on function is_same_body from public;
