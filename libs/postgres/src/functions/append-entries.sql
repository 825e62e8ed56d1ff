-- Appends one entry for each of `changes`, and brings its alert to the state of the entry. These are the entries that
-- no message causes. There is at most one for each alert; `fps` are in the order of the changes. The callers have named
-- the tenants to row-level security, hold the lock on their counters, and have read the alerts under it.
--
-- The entry is built by column names from four rows, where a later row overrides an earlier one: the entry that
-- describes the alert, or, where retention has deleted that, one with empty lists; the alert as it is; its newest
-- folded repeat, which the entry replaces; and what the change says. So a column that describes alerts need not be
-- named here. A column that only entries have must be: see `one_entry`.
create or replace function append_entries(changes json, received timestamptz)
returns setof entry
language plpgsql volatile security invoker -- in plpgsql because it keeps its plans
set search_path = tocsin, pg_temp
-- a few rows are read by their keys, even if the planner's estimates for the table are wrong
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with changed as materialized (
    select c.*, row_number() over () as place
    from json_to_recordset(changes) as c(tenant_id text collate "C", alert_id uuid, fp text, says json)
  ), placed as materialized (
    select c.says, c.fp, s.epoch, s.last_seq + row_number() over own as seq,
           coalesce(lag(c.fp) over own, s.last_fp) as prev_fp, f.stands,
           json_populate_record(json_populate_record(
             coalesce(d.described, json_populate_record(null::event, '{"actions": [], "metadata": {}}')),
             to_json(f.stands)), to_json(h.repeat)) as entry
    from changed c
    join tenant_stream s on s.tenant_id = c.tenant_id
    -- With `limit` each is one index look-up. The lock waits for retention, which deletes alerts without the lock on
    -- the counters: an alert that is gone gets no entry.
    cross join lateral (select a as stands from alert a
      where a.tenant_id = c.tenant_id and a.alert_id = c.alert_id limit 1 for no key update) f
    left join lateral (
      select e as described from event e where e.tenant_id = c.tenant_id and e.seq = (f.stands).described_seq limit 1
    ) d on true
    left join lateral (
      select r as repeat from folded_repeat r where r.tenant_id = c.tenant_id and r.alert_id = c.alert_id limit 1
    ) h on true
    window own as (partition by c.tenant_id order by c.place)
  ), one_entry as materialized (
    select p.epoch, p.prev_fp, (p.stands).folded > 0 as was_folded,
      json_populate_record(json_populate_record(p.entry, json_build_object(
             'seq', p.seq, 'fp', p.fp, 'received_at', received, 'occurred_at', null, 'actor', null, 'note', null,
             'trace_id', null, 'span_id', null,
             -- as `eventNameOf` of the contracts has it: of the changes here, only a snooze that ends by itself
             'rings', p.says ->> 'change' = 'unsnoozed' and p.says ->> 'actor' is null,
             'previous_status', (p.stands).status, 'previous_severity', (p.stands).severity,
             'previous_type', nullif((p.stands).type, (p.entry).type),
             'previous_name',
             case when (p.stands).name is distinct from (p.entry).name then coalesce((p.stands).name, '') end,
             'previous_labels',
             case when (p.stands).labels::text <> (p.entry).labels::text then (p.stands).labels end
           )), p.says) as entry
    from placed p
  ), numbered as materialized (
    select (o.entry).*, o.was_folded from one_entry o
  ), counted as (
    update tenant_stream s set last_seq = last.seq, last_fp = last.fp
    from (select distinct on (tenant_id) tenant_id, seq, fp from numbered order by tenant_id, seq desc) last
    where s.tenant_id = last.tenant_id
  ), logged as (
    insert into event select (o.entry).* from one_entry o
  ), made as (
    -- an assignment, a note or a repeat does not change the actor, who is the user that gave the alert its status
    update alert a set status = n.status, assignee = n.assignee,
      assigned_by_acknowledging = case n.change
        when 'acknowledged' then a.assignee is null and n.assignee is not null
        when 'assigned' then false
        else a.assigned_by_acknowledging
      end,
      snoozed_until = n.snoozed_until, folded = 0, last_seq = n.seq, described_seq = n.seq,
      type = n.type, name = n.name, title = n.title, message = n.message, labels = n.labels,
      actor = case when n.change in ('assigned', 'noted', 'repeated') then a.actor else n.actor end,
      acted = case when n.change in ('assigned', 'noted', 'repeated') then a.acted
                   when n.actor is not null then n.change end,
      acted_at = case when n.change in ('assigned', 'noted', 'repeated') then a.acted_at
                      when n.actor is not null then received end,
      resolved_at = case when n.status = 'resolved' then
                      case when n.previous_status = 'resolved' then a.resolved_at else received end end,
      reopened_at = case when n.status <> 'resolved' and n.previous_status = 'resolved' then received
                         else a.reopened_at end
    from numbered n
    where a.tenant_id = n.tenant_id and a.alert_id = n.alert_id
  ), told as (
    delete from folded_repeat r using numbered n
      where n.was_folded and r.tenant_id = n.tenant_id and r.alert_id = n.alert_id
  )
  select (o.entry).*, o.epoch, o.prev_fp from one_entry o;
end $$;

alter function append_entries owner to tocsin_definer;
revoke all on function append_entries from public;
