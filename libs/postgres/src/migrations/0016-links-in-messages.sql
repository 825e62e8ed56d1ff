-- The key that links in messages are signed with: drawn here, once a system. The apps read it through a function; no role
-- of theirs reads the table. It is not the key of hints, so that either can be drawn anew without the other.
create table link_key (
  sole boolean primary key default true check (sole),
  key text not null check (length(key) >= 64),
  made_at timestamptz not null default now()
);

-- two random UUIDs: 244 bits of what the server draws for secrets
insert into link_key (key) values (replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));

grant select on link_key to tocsin_definer;
alter table link_key enable row level security;
alter table link_key force row level security;
create policy definer on link_key for select to tocsin_definer using (true);

-- Addresses that want no more messages of a tenant over a channel, in lower case.
create table unsubscribed (
  tenant_id text collate "C" not null,
  channel text collate "C" not null,
  address text collate "C" not null,
  since timestamptz(3) not null default now(),
  primary key (tenant_id, channel, address)
);
alter table unsubscribed enable row level security;
alter table unsubscribed force row level security;
create policy tenant on unsubscribed
  using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])));
grant select, insert, delete on unsubscribed to tocsin_definer;

-- The standalone, which has the gateway's rights, introduces the recipients of its demo.
grant select, insert on recipient to tocsin_gateway;
