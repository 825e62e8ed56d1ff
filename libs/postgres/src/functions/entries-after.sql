-- One tenant's entries behind a position, in order. Runs with the caller's rights: its row-level security is what keeps
-- the other tenants out, with or without the condition below.
create or replace function entries_after(of_tenant text, behind bigint, at_most integer)
returns table (
  epoch text, seq bigint, fp text, event_id text, alert_id uuid, change text, status text, severity text, previous_status text,
  previous_severity text, type text, service text, name text, title text, message text, occurrences integer, folded integer,
  occurred_at timestamptz, received_at timestamptz, dedup_key text, first_seen_at timestamptz, last_seen_at timestamptz,
  labels json, actions json, metadata json, assignee text, snoozed_until timestamptz, actor text, note text, trace_id text,
  previous_type text, previous_name text, previous_labels json
)
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  return query
  select s.epoch, e.seq, e.fp, e.event_id, e.alert_id, e.change, e.status, e.severity, e.previous_status, e.previous_severity, e.type,
    e.service, e.name, e.title, e.message, e.occurrences, e.folded, e.occurred_at::timestamptz, e.received_at::timestamptz, e.dedup_key,
    e.first_seen_at::timestamptz, e.last_seen_at::timestamptz, e.labels, e.actions, e.metadata, e.assignee, e.snoozed_until::timestamptz,
    e.actor, e.note, e.trace_id, e.previous_type, e.previous_name, e.previous_labels
  from event e join tenant_stream s on s.tenant_id = e.tenant_id
  where e.tenant_id = of_tenant and e.seq > behind
  order by e.seq
  limit at_most;
  perform set_config('tocsin.tenants', outside, true);
end $$;

revoke all on function entries_after from public;
grant execute on function entries_after to tocsin_gateway;
