-- A delivery as it is shown: the fields of `Delivery` in the wire types, including the attempt that is under way.
create view shown_delivery with (security_invoker = true) as
select d.delivery_id, d.tenant_id, d.alert_id, d.seq, d.notification_id, d.channel, d.recipient, d.status, d.reason,
  d.created_at, case when q.begun_at is null then q.due_at end as due_at, d.settled_at, d.provider_status,
  d.provider_code, d.provider_status_at, coalesce((
    select json_agg(json_build_object(
      'attempt', a.attempt, 'begun_at', a.begun_at, 'ended_at', a.ended_at, 'outcome', a.outcome, 'reason', a.reason,
      'answer', a.answer, 'provider_id', a.provider_id
    ) order by a.attempt)
    from (
      select e.attempt, e.begun_at, e.ended_at, e.outcome, e.reason, e.answer, e.provider_id
      from delivery_attempt e where e.tenant_id = d.tenant_id and e.delivery_id = d.delivery_id
      union all
      select q.attempt, q.begun_at, null, null, null, null, null where q.begun_at is not null
    ) a
  ), '[]') as attempts
from delivery d
left join lateral (
  select w.due_at, w.attempt, w.begun_at from delivery_due w
    where w.tenant_id = d.tenant_id and w.delivery_id = d.delivery_id limit 1
) q on true;

grant select on shown_delivery to tocsin_definer;
