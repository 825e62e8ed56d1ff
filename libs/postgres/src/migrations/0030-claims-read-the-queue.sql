-- A row of the queue has all that a claim tells of the delivery itself. So a claim does not look it up in `delivery`, which
-- is large because it keeps what is settled. These values never change while the row exists.
alter table delivery_due
  add column recipient text,
  add column seq bigint,
  add column notification_id uuid,
  add column planned_at timestamptz(3),
  add column first_due_at timestamptz(3);

-- The owner is bound by row-level security too, and cannot name all tenants.
alter table delivery no force row level security;
alter table delivery_due no force row level security;
update delivery_due q
set recipient = d.recipient, seq = d.seq, notification_id = d.notification_id, planned_at = d.created_at, first_due_at = d.due_at
from delivery d where d.tenant_id = q.tenant_id and d.delivery_id = q.delivery_id;
alter table delivery force row level security;
alter table delivery_due force row level security;

alter table delivery_due
  alter column recipient set not null,
  alter column planned_at set not null,
  alter column first_due_at set not null;
