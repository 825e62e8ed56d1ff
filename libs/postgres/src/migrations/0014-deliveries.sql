-- Deliveries are sent: the queue of what is due, the attempts on record, and the recipients of a tenant.

-- ---- what is told of an entry ----------------------------------------------------------------------------------------

-- Whether an entry alerts people, on screens and phones. Null in entries of releases before.
alter table event add column rings boolean;

-- ---- deliveries ------------------------------------------------------------------------------------------------------

-- What was planned before there was a notifier is never sent: its first start must not flood anybody. The owner is bound
-- by row-level security too, and cannot name all tenants.
alter table delivery no force row level security;
update delivery set status = 'superseded';
alter table delivery force row level security;

-- A row changes its status once or twice and never its keys, so that each update stays on its page (HOT).
alter table delivery drop constraint delivery_pkey;
alter table delivery drop constraint delivery_channel_check;
alter table delivery add primary key (tenant_id, delivery_id);
alter table delivery
  alter column seq drop not null,
  alter column alert_id drop not null,
  alter column status set default 'pending',
  add column notification_id uuid,
  add column reason text,
  add column settled_at timestamptz(3);
alter table delivery set (fillfactor = 85);
-- Who is told of an entry is told once. It also finds the deliveries of an alert (by its entries), and old ones.
create unique index delivery_of_entry on delivery (tenant_id, seq, step, channel, recipient) where seq is not null;
create unique index delivery_of_notification on delivery (tenant_id, notification_id, step, channel, recipient)
  where notification_id is not null;

-- ---- the queue -------------------------------------------------------------------------------------------------------

-- One row for each delivery that is not settled. Small rows that change with every claim, and are soon deleted.
create table delivery_due (
  tenant_id text collate "C" not null,
  delivery_id uuid not null,
  channel text collate "C" not null,
  alert_id uuid,
  due_at timestamptz(3) not null,
  -- Whether `due_at` has come. The first claim after that time sets it, so that a claim does not walk over the tenants
  -- whose deliveries all wait.
  ready boolean not null default false,
  -- Until then the delivery belongs to the worker that has claimed it. A delivery whose worker is lost becomes free by
  -- itself. No index has this column: a claim must not write to any index (HOT).
  leased_until timestamptz(3) not null default '-infinity',
  worker bigint,
  -- How many attempts were begun. `begun_at` is set while one is under way.
  attempt integer not null default 0,
  begun_at timestamptz(3),
  primary key (tenant_id, delivery_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
-- A claim takes from each tenant in turn what is due.
create index delivery_due_order on delivery_due (channel, tenant_id, due_at) where ready;
create index delivery_due_later on delivery_due (channel, due_at) where not ready;
create index delivery_due_alert on delivery_due (tenant_id, alert_id) where alert_id is not null;

-- An attempt that has ended. The one under way is in `delivery_due`.
create table delivery_attempt (
  tenant_id text collate "C" not null,
  delivery_id uuid not null,
  attempt integer not null,
  begun_at timestamptz(3) not null,
  ended_at timestamptz(3) not null,
  outcome text not null,
  reason text,
  answer text,
  provider_id text,
  primary key (tenant_id, delivery_id, attempt)
);

-- ---- recipients ------------------------------------------------------------------------------------------------------

-- Who is told of alerts whose messages name no recipients.
create table recipient (
  tenant_id text collate "C" not null,
  severity text not null check (severity in ('urgent', 'high', 'medium', 'low')),
  channel text not null,
  address text not null,
  primary key (tenant_id, severity, channel, address)
);

-- ---- who sees what ---------------------------------------------------------------------------------------------------

do $$
declare
  relation regclass;
begin
  foreach relation in array array['delivery_due', 'delivery_attempt', 'recipient']::regclass[] loop
    execute format('alter table %s enable row level security', relation);
    execute format('alter table %s force row level security', relation);
    execute format(
      $policy$create policy tenant on %s using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])))$policy$,
      relation);
  end loop;
end $$;

-- A claim cannot know the tenants beforehand: the function says when it claims.
create policy claiming on delivery_due to tocsin_definer using (current_setting('tocsin.claiming', true) = 'on');

grant usage on schema tocsin to tocsin_notifier;
grant select, insert, update, delete on delivery_due, delivery_attempt to tocsin_definer;
grant update on delivery to tocsin_definer;
grant select, insert, update, delete on recipient to tocsin_definer;
