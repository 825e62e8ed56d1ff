-- Since when a message waits in the queue in the database. Messages that wait now count from the migration on.
alter table inbox add column put_at timestamptz not null default now();

-- Which processes run, as they say themselves. Unlogged: after a crash of the database each says so again in 15 s.
create unlogged table running_process (
  instance uuid primary key,
  app text not null,
  version text not null,
  commit text not null,
  started_at timestamptz not null,
  heard_at timestamptz not null
);

-- A table without a tenant is reached through functions alone.
alter table running_process enable row level security;
alter table running_process force row level security;
create policy definer on running_process to tocsin_definer using (true);
grant select, insert, update, delete on running_process to tocsin_definer;
