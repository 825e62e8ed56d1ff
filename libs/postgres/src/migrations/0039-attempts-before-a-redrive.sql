-- How many attempts of a delivery preceded its last redrive. The schedule of attempts begins anew after them, while
-- their numbers go on. Notifiers of the version before do not read it: they go on counting all attempts.
alter table delivery_due add column attempts_before integer not null default 0;

-- What was redriven before this migration and still waits has the whole schedule too. A redrive sets `planned_at`. The
-- owner is bound by row-level security, and cannot name all tenants.
alter table delivery_due no force row level security;
alter table delivery_attempt no force row level security;
update delivery_due q set attempts_before = b.attempts
from (
  select d.tenant_id, d.delivery_id, max(a.attempt) as attempts
  from delivery_due d
  join delivery_attempt a on a.tenant_id = d.tenant_id and a.delivery_id = d.delivery_id
  where d.attempt > 0 and a.begun_at < d.planned_at
  group by d.tenant_id, d.delivery_id
) b
where q.tenant_id = b.tenant_id and q.delivery_id = b.delivery_id;
alter table delivery_due force row level security;
alter table delivery_attempt force row level security;
