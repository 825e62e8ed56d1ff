-- Up to which time ids were forgotten: the next step of retention begins there.
create table forgotten_ids (
  sole boolean primary key default true check (sole),
  upto timestamptz(3) not null default '-infinity'
);
insert into forgotten_ids default values;

-- A table without a tenant is reached through functions alone.
alter table forgotten_ids enable row level security;
alter table forgotten_ids force row level security;
create policy definer on forgotten_ids to tocsin_definer using (true);
grant select, update on forgotten_ids to tocsin_definer;
