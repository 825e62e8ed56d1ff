-- The key that processors and gateways sign hints with when none is configured: made here, once a system. The apps read it
-- through a function; no role of theirs reads the table.
create table hint_key (
  sole boolean primary key default true check (sole),
  key text not null check (length(key) >= 64),
  made_at timestamptz not null default now()
);

-- two random UUIDs: 244 bits of what the server draws for secrets
insert into hint_key (key) values (replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));

grant select on hint_key to tocsin_definer;
alter table hint_key enable row level security;
alter table hint_key force row level security;
create policy definer on hint_key for select to tocsin_definer using (true);
