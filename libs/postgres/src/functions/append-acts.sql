-- Appends one entry for each of `changes`, and makes of its alert what the entry says: an entry about an alert that no
-- message brings. At most one for each alert; `fps` in the order of the changes. Its callers have named the tenants to
-- row-level security, hold the lock on their counters, and have looked at the alerts since.
--
-- The entry describes the alert as its last entry did, or as its newest folded repeat does, which it takes the place of.
create or replace function append_acts(changes json, received timestamptz)
returns table (
  tenant_id text, epoch text, seq bigint, fp text, prev_fp text, event_id text, alert_id uuid, change text, status text, severity text,
  previous_status text, previous_severity text, type text, service text, name text, title text, message text, occurrences integer,
  folded integer, occurred_at timestamptz, received_at timestamptz, dedup_key text, first_seen_at timestamptz, last_seen_at timestamptz,
  labels json, actions json, metadata json, assignee text, snoozed_until timestamptz, actor text, note text, trace_id text,
  previous_type text, previous_name text, previous_labels json
)
language plpgsql volatile security invoker -- in plpgsql because its plans are kept
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with changed as materialized (
    select c.*, row_number() over () as place
    from json_to_recordset(changes) as c(
      tenant_id text collate "C", alert_id uuid, fp text, change text, status text, assignee text, snoozed_until timestamptz, actor text, note text, trace_id text)
  ), numbered as materialized (
    select c.tenant_id, c.alert_id, c.change, c.status, c.assignee, c.snoozed_until, c.actor, c.note, c.trace_id, c.fp, gen_random_uuid()::text as event_id,
           a.status as previous_status, a.severity, a.service, a.occurrences, a.folded, a.dedup_key, a.first_seen_at, a.last_seen_at,
           said.type, said.name, said.title, said.message, said.labels, said.actions, said.metadata,
           nullif(a.type, said.type) as previous_type, case when a.name is distinct from said.name then coalesce(a.name, '') end as previous_name,
           case when a.labels::text <> said.labels::text then a.labels end as previous_labels,
           s.epoch, s.last_seq + row_number() over own as seq, coalesce(lag(c.fp) over own, s.last_fp) as prev_fp
    from changed c
    join alert a on a.tenant_id = c.tenant_id and a.alert_id = c.alert_id
    join tenant_stream s on s.tenant_id = c.tenant_id
    cross join lateral (
      select 1 as rank, r.type, r.name, r.title, r.message, r.labels, r.actions, r.metadata
      from folded_repeat r where r.tenant_id = a.tenant_id and r.alert_id = a.alert_id
      union all
      select 2, a.type, a.name, a.title, a.message, a.labels, e.actions, e.metadata
      from event e where e.tenant_id = a.tenant_id and e.seq = a.described_seq
      order by rank
      limit 1
    ) said
    window own as (partition by c.tenant_id order by c.place)
  ), counted as (
    update tenant_stream s set last_seq = last.seq, last_fp = last.fp
    from (select distinct on (tenant_id) tenant_id, seq, fp from numbered order by tenant_id, seq desc) last
    where s.tenant_id = last.tenant_id
  ), logged as (
    insert into event (tenant_id, seq, fp, event_id, alert_id, change, status, severity, previous_status, previous_severity, type, service,
      name, title, message, occurrences, folded, received_at, dedup_key, first_seen_at, last_seen_at, labels, actions, metadata,
      assignee, snoozed_until, actor, note, trace_id, previous_type, previous_name, previous_labels)
    select tenant_id, seq, fp, event_id, alert_id, change, status, severity, previous_status, severity, type, service,
      name, title, message, occurrences, folded, received, dedup_key, first_seen_at, last_seen_at, labels, actions, metadata,
      assignee, snoozed_until, actor, note, trace_id, previous_type, previous_name, previous_labels
    from numbered
  ), made as (
    -- who assigns or notes leaves alone who made the status what it is
    update alert a set status = n.status, assignee = n.assignee, snoozed_until = n.snoozed_until, folded = 0, last_seq = n.seq, described_seq = n.seq,
      type = n.type, name = n.name, title = n.title, message = n.message, labels = n.labels,
      actor = case when n.change in ('assigned', 'noted') then a.actor else n.actor end,
      acted = case when n.change in ('assigned', 'noted') then a.acted when n.actor is not null then n.change end,
      acted_at = case when n.change in ('assigned', 'noted') then a.acted_at when n.actor is not null then received end
    from numbered n
    where a.tenant_id = n.tenant_id and a.alert_id = n.alert_id
  ), told as (
    delete from folded_repeat r using numbered n where n.folded > 0 and r.tenant_id = n.tenant_id and r.alert_id = n.alert_id
  )
  select tenant_id, epoch, seq, fp, prev_fp, event_id, alert_id, change, status, severity, previous_status, severity, type, service, name, title,
    message, occurrences, folded, null::timestamptz, received, dedup_key, first_seen_at::timestamptz, last_seen_at::timestamptz, labels, actions,
    metadata, assignee, snoozed_until, actor, note, trace_id, previous_type, previous_name, previous_labels
  from numbered;
end $$;

alter function append_acts owner to tocsin_definer;
revoke all on function append_acts from public;
