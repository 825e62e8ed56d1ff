-- A delivery with the entry that it tells of, if there is one: all columns of `event`, so that only the migrations list them.
-- With `limit` the entry is one index look-up.
create view told_delivery with (security_invoker = true) as
select d.tenant_id as of_tenant, d.delivery_id, d.channel, d.recipient, d.created_at as planned_at, d.due_at as first_due_at,
  d.alert_id as of_alert, d.notification_id, e.*
from delivery d
left join lateral (select * from event where tenant_id = d.tenant_id and seq = d.seq limit 1) e on true;

-- What a claim returns (`claim_deliveries`). `verdict`: claimed, lost or cancelled. `lost_at`: when the attempt before was
-- begun, if its worker was lost. `notification`: what the delivery tells, if it is not an entry.
create view claimed_delivery with (security_invoker = true) as
select null::text as verdict, null::integer as attempt, null::timestamptz(3) as lost_at, null::json as notification, d.*
from told_delivery d;

grant select on told_delivery, claimed_delivery to tocsin_definer;
