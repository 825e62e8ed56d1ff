-- A row of a claim (`claim_deliveries`): what the queue tells of the delivery, and its entry, if there is one: all
-- columns of `event`, so that only the migrations list them. `verdict` is claimed, lost or cancelled. `lost_at` is when
-- the previous attempt began, if its worker was lost. `attempts_before` is how many attempts preceded the last redrive.
-- `notification` is the content of the delivery, if it has no entry.
create view claimed_delivery with (security_invoker = true) as
select null::text as verdict, null::integer as attempt, null::timestamptz(3) as lost_at, q.attempts_before,
  null::json as notification, q.tenant_id as of_tenant, q.delivery_id, q.channel, q.recipient, q.planned_at,
  q.first_due_at, e.*
from delivery_due q
left join lateral (select * from event where tenant_id = q.tenant_id and seq = q.seq limit 1) e on true;

grant select on claimed_delivery to tocsin_definer;
