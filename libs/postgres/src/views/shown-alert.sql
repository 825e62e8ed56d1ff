-- An alert as it is shown: exactly the fields of `Alert` in the wire types. Columns that lists do not search are read
-- from the entry that describes the alert, with one index lookup for each alert. `limit` makes every plan do it this
-- way.
create view shown_alert with (security_invoker = true) as
select a.tenant_id, a.alert_id, a.status, a.severity, a.type, a.service, a.name, a.title, a.message, a.occurrences,
  a.dedup_key, a.first_seen_at, a.last_seen_at, a.labels, coalesce(e.actions, '[]') as actions,
  coalesce(e.metadata, '{}') as metadata, a.assignee, a.snoozed_until, a.actor, a.acted_at,
  coalesce(a.reopened_at, a.first_seen_at) as opened_at, a.resolved_at, w.while_open, a.last_seq
from alert a
left join lateral (select * from event where tenant_id = a.tenant_id and seq = a.described_seq limit 1) e on true
-- what a resolved alert said while it was open: its newest entry that leaves it open, among its last 20 and its first
left join lateral (
  select json_build_object('title', o.title, 'message', o.message) as while_open
  from (
    (select n.status, n.title, n.message, n.seq from event n
     where n.tenant_id = a.tenant_id and n.alert_id = a.alert_id and n.previous_status is not null
       order by n.seq desc limit 20)
    union all
    (select f.status, f.title, f.message, f.seq from event f
     where f.tenant_id = a.tenant_id and f.seq = a.first_seq and f.alert_id = a.alert_id and f.previous_status is null)
  ) o
  where o.status <> 'resolved' and a.status = 'resolved'
  order by o.seq desc limit 1
) w on a.status = 'resolved';

-- The result of an act on one alert (`act_on_alerts`): the alert as it is now, and the fields of its newest entry that
-- the alert does not have; null where retention has deleted that entry.
create view shown_act with (security_invoker = true) as
select null::text as outcome, a.*, e.epoch, e.seq, e.fp, e.prev_fp, e.event_id, e.change, e.previous_status,
  e.previous_severity, e.folded, e.received_at, e.note, e.previous_type, e.previous_name, e.previous_labels
from shown_alert a
left join lateral (select * from entry where tenant_id = a.tenant_id and seq = a.last_seq limit 1) e on true;

grant select on shown_alert, shown_act to tocsin_gateway, tocsin_definer;
