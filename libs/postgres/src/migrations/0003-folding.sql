-- Floods are folded: beyond a few repeats of an open alert within a window, a repeat is on record (in `idempotency`, without a
-- number) and counted, but is no entry of the log.
alter table alert
  -- The window in which repeats are counted, from the first of them on, and how many it has had.
  add column window_ends_at timestamptz(3),
  add column window_repeats integer not null default 0,
  -- Repeats that no entry has told of yet. Above 0 exactly while the alert has a row in `folded_repeat`.
  add column folded integer not null default 0;

alter type alert_state
  add attribute window_ends_at timestamptz,
  add attribute window_repeats integer,
  add attribute folded integer,
  -- What the entry of this message tells: how many repeats were folded before it.
  add attribute told integer;

-- The newest folded repeat of an alert, whole: it becomes an entry at the window's end, unless another entry of the alert
-- comes first and tells of it. Rows come and go with every flood.
create table folded_repeat (
  tenant_id text collate "C" not null,
  alert_id uuid not null,
  due_at timestamptz(3) not null,
  service text collate "C" not null,
  id text collate "C" not null,
  type text not null,
  name text,
  title text not null,
  message text,
  occurred_at timestamptz(3),
  labels json not null,
  actions json not null,
  metadata json not null,
  trace_id text,
  primary key (tenant_id, alert_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
create index folded_repeat_due on folded_repeat (due_at);

alter table folded_repeat enable row level security;
alter table folded_repeat force row level security;
create policy tenant on folded_repeat using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])));
-- Whose repeats are due is asked before any tenant can be named.
create policy due on folded_repeat for select to tocsin_definer using (due_at <= now());

grant select, insert, update, delete on folded_repeat to tocsin_definer;
grant update on idempotency to tocsin_definer; -- the folded repeat that becomes an entry gets its number
