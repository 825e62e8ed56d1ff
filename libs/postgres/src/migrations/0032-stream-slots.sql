-- How many streams each gateway has open in each slot, for an installation without Redis. Unlogged: after a crash of the
-- database the counts are empty, and each gateway writes its own again with its next heartbeat.
create unlogged table stream_gateway (
  instance uuid primary key,
  -- A gateway's counts hold until then. Each heartbeat moves it on.
  alive_until timestamptz not null
);
create unlogged table stream_slot (
  slot text collate "C" not null,
  instance uuid not null references stream_gateway on delete cascade,
  streams integer not null,
  primary key (slot, instance)
);
create index stream_slot_instance on stream_slot (instance);

-- Tables without a tenant are reached through functions alone.
alter table stream_gateway enable row level security;
alter table stream_gateway force row level security;
create policy definer on stream_gateway to tocsin_definer using (true);
alter table stream_slot enable row level security;
alter table stream_slot force row level security;
create policy definer on stream_slot to tocsin_definer using (true);
grant select, insert, update, delete on stream_gateway, stream_slot to tocsin_definer;
