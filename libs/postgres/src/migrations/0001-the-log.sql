-- Tenants, their logs, and everything that is stored with an entry. Runs as the owner, inside one transaction.
-- Identifiers compare by bytes (collate "C"): the order in which tenants are locked must be the same for everybody.

-- ---- the log ---------------------------------------------------------------------------------------------------------

-- A tenant's counter. Small rows that change with every batch: half-empty pages keep each update on its own page (HOT),
-- and vacuum comes after 50 dead rows instead of after a fifth of the table.
create table tenant_stream (
  tenant_id text collate "C" primary key,
  -- Forty random bits: another epoch is another history.
  epoch text not null default substr(replace(gen_random_uuid()::text, '-', ''), 1, 10),
  last_seq bigint not null default 0,
  last_fp text not null default '0',
  -- Entries up to and including it may be deleted.
  floor_seq bigint not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_cost_delay = 0);

-- Append-only. `json` keeps the text that it was given, which `jsonb` does not: an entry renders to the same bytes for ever.
create table event (
  tenant_id text collate "C" not null,
  seq bigint not null,
  fp text not null,
  event_id text not null,
  alert_id uuid not null,
  change text not null,
  status text not null,
  severity text not null,
  previous_status text,
  previous_severity text,
  type text not null,
  service text not null,
  name text,
  title text not null,
  message text,
  occurrences integer not null,
  folded integer not null default 0,
  occurred_at timestamptz(3),
  received_at timestamptz(3) not null,
  dedup_key text,
  first_seen_at timestamptz(3) not null,
  last_seen_at timestamptz(3) not null,
  labels json not null,
  actions json not null,
  metadata json not null,
  assignee text,
  snoozed_until timestamptz(3),
  actor text,
  trace_id text,
  primary key (tenant_id, seq)
);

-- What was stored under which producer's id. Kept for days, whatever retention does to the log; `seq` is null for a
-- message that was folded into another one's entry.
create table idempotency (
  tenant_id text collate "C" not null,
  service text collate "C" not null,
  id text collate "C" not null,
  seq bigint,
  epoch text not null,
  fp text,
  body_hash text not null,
  stored_at timestamptz(3) not null,
  primary key (tenant_id, service, id)
) partition by hash (tenant_id);

create table idempotency_0 partition of idempotency for values with (modulus 4, remainder 0);
create table idempotency_1 partition of idempotency for values with (modulus 4, remainder 1);
create table idempotency_2 partition of idempotency for values with (modulus 4, remainder 2);
create table idempotency_3 partition of idempotency for values with (modulus 4, remainder 3);

-- ---- the alerts ------------------------------------------------------------------------------------------------------

-- An alert's state while messages are applied to it, and what the last of them changed.
create type alert_state as (
  alert_id uuid,
  status text,
  severity text,
  state_at timestamptz,
  occurrences integer,
  first_seen_at timestamptz,
  last_seen_at timestamptz,
  assignee text,
  snoozed_until timestamptz,
  change text,
  previous_status text,
  previous_severity text
);

-- The present state of each alert. Its labels, actions and metadata are those of the entry `last_seq`.
create table alert (
  tenant_id text collate "C" not null,
  alert_id uuid not null,
  service text collate "C" not null,
  dedup_key text collate "C",
  type text not null,
  name text,
  title text not null,
  message text,
  status text not null check (status in ('firing', 'acknowledged', 'snoozed', 'resolved')),
  severity text not null check (severity in ('urgent', 'high', 'medium', 'low')),
  -- The producer's time of the message that last set status or severity: an earlier message is stale.
  state_at timestamptz(3) not null,
  occurrences integer not null,
  first_seen_at timestamptz(3) not null,
  last_seen_at timestamptz(3) not null,
  last_seq bigint not null,
  assignee text,
  snoozed_until timestamptz(3),
  primary key (tenant_id, alert_id)
) with (fillfactor = 85);
create unique index alert_dedup_key on alert (tenant_id, service, dedup_key) where dedup_key is not null;

-- ---- what goes out, and what could not come in -----------------------------------------------------------------------

create table delivery (
  tenant_id text collate "C" not null,
  seq bigint not null,
  step smallint not null default 0,
  channel text not null check (channel in ('email', 'sms', 'whatsapp', 'webhook')),
  recipient text not null,
  delivery_id uuid not null default gen_random_uuid(),
  alert_id uuid not null,
  status text not null default 'planned',
  due_at timestamptz(3) not null,
  created_at timestamptz(3) not null,
  primary key (tenant_id, seq, step, channel, recipient)
);

-- A message without a valid tenant is for operators alone: no tenant's setting matches null.
create table dead_letter (
  dead_letter_id bigint generated always as identity primary key,
  tenant_id text collate "C",
  reason text not null,
  detail text not null,
  body bytea not null,
  routing_key text,
  buried_at timestamptz(3) not null default clock_timestamp()
);
create index dead_letter_tenant on dead_letter (tenant_id, dead_letter_id);

-- ---- the embedded adapters, and the stand-in for Redis ---------------------------------------------------------------

-- Who may see which tenant, where no tenant service says so.
create table tenant_membership (
  user_id text collate "C" not null,
  tenant_id text collate "C" not null,
  name text not null,
  role text not null,
  primary key (user_id, tenant_id)
);

-- The embedded queue. Urgent messages have their own lane: they leave first whatever waits.
create table inbox (
  inbox_id bigint generated always as identity primary key,
  urgent boolean not null,
  routing_key text not null,
  -- The W3C trace context of whoever published it.
  traceparent text,
  body bytea not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
create index inbox_order on inbox (urgent desc, inbox_id);

-- Tickets that were shown. Nothing is known of a ticket before.
create table ticket_redeemed (
  jti text collate "C" primary key,
  expires_at timestamptz not null
);
create index ticket_redeemed_expiry on ticket_redeemed (expires_at);

-- ---- who sees what ---------------------------------------------------------------------------------------------------

-- One rule for every table that has a tenant, partitions included. The setting is an array literal that the server makes
-- from a parameter; unset and empty are no tenant at all.
do $$
declare
  relation regclass;
begin
  for relation in
    select c.oid from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'tocsin'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant_id' and not a.attisdropped
  loop
    execute format('alter table %s enable row level security', relation);
    execute format('alter table %s force row level security', relation);
    execute format(
      $policy$create policy tenant on %s using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])))$policy$,
      relation);
  end loop;
end $$;

-- Tables without a tenant are reached through functions alone.
alter table inbox enable row level security;
alter table inbox force row level security;
create policy definer on inbox to tocsin_definer using (true);
alter table ticket_redeemed enable row level security;
alter table ticket_redeemed force row level security;
create policy definer on ticket_redeemed to tocsin_definer using (true);

-- The two functions that cannot know the tenants beforehand.
create policy by_user on tenant_membership for select to tocsin_definer using (user_id = nullif(current_setting('tocsin.member', true), ''));
create policy bury on dead_letter for insert to tocsin_definer with check (true);

-- The functions' own role: exactly what their statements need.
grant usage on schema tocsin to tocsin_definer, tocsin_processor, tocsin_gateway, tocsin_standalone;
grant select, insert, update on tenant_stream, alert to tocsin_definer;
grant select, insert on event, idempotency, delivery to tocsin_definer;
grant insert on dead_letter to tocsin_definer;
grant select on tenant_membership to tocsin_definer;
grant select, insert, delete on inbox to tocsin_definer;
grant select, insert, update, delete on ticket_redeemed to tocsin_definer; -- update: to lock what it deletes

-- The apps' roles: functions (each says whose it is), and reading under the rule above.
grant select on tenant_stream, event to tocsin_gateway;
grant select, insert, update, delete on tenant_membership to tocsin_standalone;
