-- An alert as it is shown: the wire's `Alert`, and nothing else. What lists do not search is in the entry that describes it:
-- one index look-up an alert, which `limit` keeps one in whatever plan.
create view shown_alert with (security_invoker = true) as
select a.tenant_id, a.alert_id, a.status, a.severity, a.type, a.service, a.name, a.title, a.message, a.occurrences, a.dedup_key,
  a.first_seen_at, a.last_seen_at, a.labels, coalesce(e.actions, '[]') as actions, coalesce(e.metadata, '{}') as metadata, a.assignee,
  a.snoozed_until, a.actor, a.acted_at, a.last_seq
from alert a
left join lateral (select * from event where tenant_id = a.tenant_id and seq = a.described_seq limit 1) e on true;

-- What became of one alert by an act (`act_on_alerts`): the alert as it is now, and of its newest entry what the alert does not say.
create view shown_act with (security_invoker = true) as
select null::text as outcome, a.*, e.epoch, e.seq, e.fp, e.prev_fp, e.event_id, e.change, e.previous_status, e.previous_severity, e.folded,
  e.received_at, e.note, e.previous_type, e.previous_name, e.previous_labels
from shown_alert a
cross join lateral (select * from entry where tenant_id = a.tenant_id and seq = a.last_seq limit 1) e;

grant select on shown_alert, shown_act to tocsin_gateway, tocsin_definer;
