-- Appends, for every alert whose window is over and which has folded repeats that no entry has told of, the newest of them
-- as an entry that tells of the others; at most as many as `fps` offers. In autocommit under READ COMMITTED, with the locks
-- of `store_events` in its order: whoever comes second finds nothing left to append.
create or replace function append_folded(fps text[])
returns table (
  tenant_id text, epoch text, seq bigint, fp text, prev_fp text, event_id text, alert_id uuid, change text, status text, severity text,
  previous_status text, previous_severity text, type text, service text, name text, title text, message text, occurrences integer,
  folded integer, occurred_at timestamptz, received_at timestamptz, dedup_key text, first_seen_at timestamptz, last_seen_at timestamptz,
  labels json, actions json, metadata json, assignee text, snoozed_until timestamptz, actor text, note text, trace_id text,
  previous_type text, previous_name text, previous_labels json
)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
set jit = off
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  tenants text[] := array(
    select distinct due.tenant_id
    from (select r.tenant_id from folded_repeat r where r.due_at <= now() order by r.due_at limit cardinality(fps)) due
    order by 1);
  received timestamptz(3);
begin
  if tenants = '{}' then
    return;
  end if;
  perform set_config('tocsin.tenants', tenants::text, true);
  perform from tenant_stream where tenant_id = any (tenants) order by tenant_id for no key update;
  received := date_trunc('milliseconds', clock_timestamp());

  return query
  with due as materialized (
    select r.*, row_number() over (order by r.due_at, r.tenant_id, r.alert_id) as place
    from folded_repeat r
    where r.tenant_id = any (tenants) and r.due_at <= now()
    order by place
    limit cardinality(fps)
  ), numbered as materialized (
    select d.tenant_id, d.alert_id, d.service, d.id, d.type, d.name, d.title, d.message, d.occurred_at, d.labels, d.actions, d.metadata, d.trace_id,
           a.status, a.severity, a.occurrences, a.folded - 1 as told, a.dedup_key, a.first_seen_at, a.last_seen_at, a.assignee, a.snoozed_until,
           nullif(a.type, d.type) as previous_type, case when a.name is distinct from d.name then coalesce(a.name, '') end as previous_name,
           case when a.labels::text <> d.labels::text then a.labels end as previous_labels,
           s.epoch, s.last_seq + row_number() over own as seq, fps[d.place] as fp, coalesce(lag(fps[d.place]) over own, s.last_fp) as prev_fp
    from due d
    join alert a on a.tenant_id = d.tenant_id and a.alert_id = d.alert_id
    join tenant_stream s on s.tenant_id = d.tenant_id
    where a.folded > 0
    window own as (partition by d.tenant_id order by d.place)
  ), counted as (
    update tenant_stream s set last_seq = last.seq, last_fp = last.fp
    from (select distinct on (tenant_id) tenant_id, seq, fp from numbered order by tenant_id, seq desc) last
    where s.tenant_id = last.tenant_id
  ), remembered as (
    -- the one that becomes an entry is a folded one no more: sent again, it is a duplicate of this entry
    update idempotency i set seq = n.seq, epoch = n.epoch, fp = n.fp
    from numbered n
    where i.tenant_id = n.tenant_id and i.service = n.service and i.id = n.id
  ), logged as (
    insert into event (tenant_id, seq, fp, event_id, alert_id, change, status, severity, previous_status, previous_severity, type, service,
      name, title, message, occurrences, folded, occurred_at, received_at, dedup_key, first_seen_at, last_seen_at, labels, actions, metadata,
      assignee, snoozed_until, trace_id, previous_type, previous_name, previous_labels)
    select tenant_id, seq, fp, id, alert_id, 'repeated', status, severity, status, severity, type, service,
      name, title, message, occurrences, told, occurred_at, received, dedup_key, first_seen_at, last_seen_at, labels, actions, metadata,
      assignee, snoozed_until, trace_id, previous_type, previous_name, previous_labels
    from numbered
  ), described as (
    update alert a set folded = 0, last_seq = n.seq, described_seq = n.seq, type = n.type, name = n.name, title = n.title, message = n.message, labels = n.labels
    from numbered n
    where a.tenant_id = n.tenant_id and a.alert_id = n.alert_id
  ), told as (
    delete from folded_repeat r using due d where r.tenant_id = d.tenant_id and r.alert_id = d.alert_id
  )
  select n.tenant_id, n.epoch, n.seq, n.fp, n.prev_fp, n.id, n.alert_id, 'repeated', n.status, n.severity, n.status, n.severity, n.type, n.service,
    n.name, n.title, n.message, n.occurrences, n.told, n.occurred_at::timestamptz, received::timestamptz, n.dedup_key, n.first_seen_at::timestamptz,
    n.last_seen_at::timestamptz, n.labels, n.actions, n.metadata, n.assignee, n.snoozed_until::timestamptz, null::text, null::text, n.trace_id,
    n.previous_type, n.previous_name, n.previous_labels
  from numbered n
  order by n.tenant_id, n.seq;
  perform set_config('tocsin.tenants', outside, true);
end $$;

alter function append_folded owner to tocsin_definer;
revoke all on function append_folded from public;
grant execute on function append_folded to tocsin_processor;
