-- The list of resolved alerts, the last resolved first. Conditions that lists filter by are read without the table, as in
-- `alert_search`. Rows without a time, which the back-fill below looks for, are at the end of each range.
-- once
create index concurrently if not exists alert_resolved on tocsin.alert (tenant_id, severity, resolved_at, alert_id)
  include (first_seen_at, type, service, name, assignee) where status = 'resolved';
-- once: row-level security binds the owner too, so the back-fill names the tenants. Only the functions' role sees them
set role tocsin_definer;
-- once
select set_config('tocsin.retaining', 'on', false);
-- once
select set_config('tocsin.tenants', coalesce(array_agg(tenant_id), '{}')::text, false) from tocsin.tenant_stream;
-- once
reset role;
-- in chunks: the time of the entry that resolved the alert, or, where retention has deleted that, the nearest time that
-- the alert has. The tenants' counters are locked first, in the order of all that stores, so nothing deadlocks, and a
-- batch waits for one chunk at most
with chunk as materialized (
  select one.tenant_id, one.alert_id
  from unnest(current_setting('tocsin.tenants')::text[]) as t(tenant_id)
  cross join unnest(array['urgent', 'high', 'medium', 'low']) as v(severity)
  cross join lateral (
    select a.tenant_id, a.alert_id from tocsin.alert a
    where a.tenant_id = t.tenant_id and a.status = 'resolved' and a.severity = v.severity and a.resolved_at is null limit 500
  ) one
  limit 500
), locked as materialized (
  select from tocsin.tenant_stream where tenant_id in (select tenant_id from chunk) order by tenant_id for no key update
)
update tocsin.alert a set resolved_at = coalesce(
  (select e.received_at from tocsin.event e
   where e.tenant_id = a.tenant_id and e.alert_id = a.alert_id and e.previous_status is not null
     and e.previous_status <> 'resolved' and e.status = 'resolved'
   order by e.seq desc limit 1),
  a.acted_at, a.last_seen_at),
  reopened_at = (
    select e.received_at from tocsin.event e
    where e.tenant_id = a.tenant_id and e.alert_id = a.alert_id and e.previous_status = 'resolved' and e.status <> 'resolved'
    order by e.seq desc limit 1)
from chunk c
where (select count(*) from locked) >= 0
  and a.tenant_id = c.tenant_id and a.alert_id = c.alert_id and a.status = 'resolved' and a.resolved_at is null;
-- in chunks: the open alerts that were opened again
with chunk as materialized (
  select a.tenant_id, a.alert_id, again.received_at
  from unnest(current_setting('tocsin.tenants')::text[]) as t(tenant_id)
  cross join unnest(array['firing', 'acknowledged', 'snoozed']) as s(status)
  join tocsin.alert a on a.tenant_id = t.tenant_id and a.status = s.status and a.reopened_at is null
  cross join lateral (
    select e.received_at from tocsin.event e
    where e.tenant_id = a.tenant_id and e.alert_id = a.alert_id and e.previous_status = 'resolved' and e.status <> 'resolved'
    order by e.seq desc limit 1
  ) again
  limit 500
), locked as materialized (
  select from tocsin.tenant_stream where tenant_id in (select tenant_id from chunk) order by tenant_id for no key update
)
update tocsin.alert a set reopened_at = c.received_at
from chunk c
where (select count(*) from locked) >= 0
  and a.tenant_id = c.tenant_id and a.alert_id = c.alert_id and a.reopened_at is null;
-- once
select set_config('tocsin.tenants', '', false), set_config('tocsin.retaining', '', false);
