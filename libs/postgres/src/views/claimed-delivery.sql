-- A delivery with its entry, if there is one: all columns of `event`, so that only the migrations list them. With
-- `limit`, the entry costs one index lookup.
create view told_delivery with (security_invoker = true) as
select d.tenant_id as of_tenant, d.delivery_id, d.channel, d.recipient, d.created_at as planned_at, d.due_at as first_due_at,
  d.alert_id as of_alert, d.notification_id, e.*
from delivery d
left join lateral (select * from event where tenant_id = d.tenant_id and seq = d.seq limit 1) e on true;

-- A row of a claim (`claim_deliveries`). `verdict` is claimed, lost or cancelled. `lost_at` is when the previous
-- attempt began, if its worker was lost. `notification` is the content of the delivery, if it has no entry.
create view claimed_delivery with (security_invoker = true) as
select null::text as verdict, null::integer as attempt, null::timestamptz(3) as lost_at, null::json as notification, d.*
from told_delivery d;

grant select on told_delivery, claimed_delivery to tocsin_definer;
