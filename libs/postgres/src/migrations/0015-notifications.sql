-- Notifications: messages to people that belong to no alert. Somebody asked for them, for now or for a time.

-- A row is written before its sender is answered, and is started later, apart from it. Its statuses:
--   scheduled  it waits for `due_at`
--   gathered   it is part of the digest `digest_id`, and is told with it
--   started    its deliveries are made
--   done       and all of them are settled
--   cancelled  its sender took it back. Claims and repeats of its deliveries must look for this status.
create table notification (
  tenant_id text collate "C" not null,
  notification_id uuid not null default gen_random_uuid(),
  title text not null,
  message text,
  severity text not null check (severity in ('urgent', 'high', 'medium', 'low')),
  status text not null default 'scheduled' check (status in ('scheduled', 'gathered', 'started', 'done', 'cancelled')),
  -- What the sender asked for, and what follows from it: the places at equal positions are one delivery.
  channels text[] not null,
  recipients text[] not null,
  to_channels text[] not null,
  to_recipients text[] not null,
  -- The instant decides. `asked_for` is the sender's own words for it: a local time, its zone, the version of the laws of
  -- time zones that made it this instant.
  due_at timestamptz(3) not null,
  asked_for json,
  -- A digest is a row of its own: it waits for the end of its window, and counts what it gathers.
  digest_group text collate "C",
  digest_key text,
  digest_every integer,
  digest_of integer,
  digest_id uuid,
  idempotency_key text collate "C",
  body_hash text,
  created_at timestamptz(3) not null,
  created_by text not null,
  started_at timestamptz(3),
  ended_at timestamptz(3),
  ended_by text,
  primary key (tenant_id, notification_id)
) with (fillfactor = 85);

-- A start takes from each tenant in turn what is due.
create index notification_due on notification (tenant_id, due_at) where status = 'scheduled';
create index notification_under_way on notification (tenant_id, notification_id) where status = 'started';
-- Lists of each status, the newest first.
create index notification_order on notification (tenant_id, status, created_at desc, notification_id desc);
create index notification_of_digest on notification (tenant_id, digest_id) where digest_id is not null;
-- A service names one of its notifications without the tenant.
create index notification_of_sender on notification (created_by, notification_id);
-- One sender's key stands for one notification of a tenant.
create unique index notification_idempotency on notification (tenant_id, created_by, idempotency_key)
  where idempotency_key is not null;
-- One digest of a group gathers at a time.
create unique index notification_gathering on notification (tenant_id, digest_group)
  where digest_group is not null and status = 'scheduled';

-- Lists of the deliveries of a tenant, the newest first. The status is in no index: it changes with every settlement.
create index delivery_order on delivery (tenant_id, created_at desc, delivery_id desc);

alter table notification enable row level security;
alter table notification force row level security;
create policy tenant on notification
  using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])));
-- A start cannot know the tenants beforehand: the function says when it looks for them.
create policy starting on notification for select to tocsin_definer
  using (current_setting('tocsin.starting', true) = 'on');

-- A service that may publish for any tenant reaches what it asked for itself.
create policy by_sender on notification for select to tocsin_definer
  using (created_by = nullif(current_setting('tocsin.sender', true), ''));
-- The recipients of a tenant are edited by the gateway itself, under the rule above.
grant select, insert, delete on recipient to tocsin_gateway;
grant select, insert, update, delete on notification to tocsin_definer;
