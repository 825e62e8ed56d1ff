-- What was taken back before its time: all tokens of a user, those issued before a time, one of them, or the access to one
-- tenant. Ids are drawn before the commit, so they do not become visible in their order; the last two columns tell which
-- lower ids may have come late.
create table revocation (
  revocation_id bigint generated always as identity primary key,
  user_id text collate "C" not null,
  tenant_id text collate "C",
  jti text collate "C",
  issued_before timestamptz(3),
  created_at timestamptz(3) not null default clock_timestamp(),
  transaction_id xid8 not null default pg_current_xact_id(),
  -- Every transaction below it had ended when this row was written.
  oldest_open xid8 not null default pg_snapshot_xmin(pg_current_snapshot()),
  constraint one_subject check (num_nonnulls(tenant_id, jti, issued_before) <= 1)
);

-- The rule of every table with a tenant; beside it the functions' role, by which alone the table is reached.
alter table revocation enable row level security;
alter table revocation force row level security;
create policy tenant on revocation using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])));
create policy definer on revocation to tocsin_definer using (true);
grant select, insert, delete on revocation to tocsin_definer;
