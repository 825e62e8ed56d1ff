-- Stores a batch of planned events of any tenants, in autocommit under READ COMMITTED: all of it or nothing.
--
-- Each statement of a VOLATILE function has its own snapshot. A separate statement locks the counters first, tenants in
-- byte order, so the storing statement after it sees everything that earlier batches of these tenants have committed.
-- Therefore duplicates are found, numbers have no gaps, and two batches never deadlock: a batch with new tenants makes
-- them before it locks any other, and all batches make and lock tenants in the same order. The locks are held until the
-- commit, which follows at once: no round trip of the client lies in between.
--
-- Like every function that works for tenants, it names them to row-level security itself, and restores the setting of
-- the caller at its end. (A SET clause would do that, but only a superuser may write one for a custom setting.)
create or replace function store_events(of_tenants text[], batch json, deliveries json, fold_after integer,
  fold_window interval)
returns table (
  outcome text, seq bigint, epoch text, fp text, alert_id uuid, change text, status text, severity text,
  previous_status text, previous_severity text, occurrences integer, folded integer, received_at timestamptz,
  first_seen_at timestamptz, last_seen_at timestamptz, assignee text, snoozed_until timestamptz, prev_fp text,
  -- the alert before the entry as filters see it, where it differs; and the words that describe the alert, where they
  -- are not those of the message
  previous_type text, previous_name text, previous_labels json, words json
)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
-- the planner cannot know how many messages a batch holds: it guesses too few, and would compare each with each
set enable_nestloop = off
set jit = off
-- the plan does not depend on the parameters, and planning each call would be a tenth of the cost of a small batch
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  tenants text[] := of_tenants;
  received timestamptz(3);
  known_tenants bigint;
  has_recipients boolean;
  setting text;
begin
  if cardinality(tenants) > 1 then
    tenants := array(select distinct t collate "C" from unnest(of_tenants) as t order by 1);
  end if;
  -- an assignment, not a statement: nothing is planned or executed for it
  setting := set_config('tocsin.tenants', tenants::text, true);

  -- One statement for three things: each costs a small batch some percent. If one of several tenants is missing, it
  -- locks none of them: another batch may be making that tenant, this batch would wait for it, and the other batch may
  -- need a tenant that this one has locked.
  select count(*), exists (select from recipient where tenant_id = any (tenants)) into known_tenants, has_recipients
  from (
    select from tenant_stream
    where tenant_id = any (tenants)
      and (cardinality(tenants) = 1
           or cardinality(tenants) = (select count(*) from tenant_stream where tenant_id = any (tenants)))
    order by tenant_id for no key update
  ) locked;
  if known_tenants < cardinality(tenants) then
    insert into tenant_stream (tenant_id)
    select t.tenant_id from unnest(tenants) as t(tenant_id)
    where not exists (select from tenant_stream s where s.tenant_id = t.tenant_id)
    order by t.tenant_id collate "C"
    on conflict do nothing;
    perform from tenant_stream where tenant_id = any (tenants) order by tenant_id for no key update;
  end if;
  received := date_trunc('milliseconds', clock_timestamp());
  if not has_recipients and strpos(deliveries::text, '"recipient":"') = 0 then
    -- neither the message nor the tenant has recipients, so the list is not parsed
    deliveries := '[]';
  end if;

  if strpos(batch::text, '"dedup_key":') = 0 then
    -- Most batches are about alerts of their own, and every message is new. They need little of what repeats need, and
    -- to set up the statement below costs a small batch more than to store it. When a message is known already, this
    -- statement stores nothing and returns no row.
    return query
    with plain as materialized (
      select e.*, s.epoch, s.last_seq + row_number() over own as seq,
             coalesce(lag(e.fp) over own, s.last_fp) as prev_fp, lead(e.ord) over own is null as is_last,
             case e.status when 'resolved' then 'resolved' else 'raised' end as change, i.found
      from json_to_recordset(batch) as e(
        ord integer, tenant_id text collate "C", service text collate "C", id text collate "C", body_hash text, fp text,
        new_alert_id uuid, type text, name text, title text, message text, severity text, status text,
        occurred_at timestamptz, labels json, actions json, metadata json, trace_id text, span_id text)
      join tenant_stream s on s.tenant_id = e.tenant_id
      left join lateral (
        select true as found from idempotency
          where tenant_id = e.tenant_id and service = e.service and id = e.id limit 1
      ) i on true
      where s.tenant_id = any (tenants)
      window own as (partition by e.tenant_id order by e.ord)
    ), all_new as materialized (
      select from plain
      having bool_and(found is null)
        and count(*) = (select count(*) from (select distinct tenant_id, service, id from plain) one)
    ), counted as (
      update tenant_stream s set last_seq = p.seq, last_fp = p.fp
      from plain p where p.is_last and s.tenant_id = p.tenant_id and s.tenant_id = any (tenants)
        and exists (select from all_new)
    ), remembered as (
      insert into idempotency (tenant_id, service, id, seq, epoch, fp, body_hash, stored_at)
      select tenant_id, service, id, seq, epoch, fp, body_hash, received from plain where exists (select from all_new)
    ), logged as (
      insert into event (tenant_id, seq, fp, event_id, alert_id, change, status, severity, type, service, name, title,
        message, occurrences, occurred_at, received_at, first_seen_at, last_seen_at, labels, actions, metadata,
        trace_id, span_id, rings)
      select tenant_id, seq, fp, id, new_alert_id, change, status, severity, type, service, name, title, message, 1,
        occurred_at, received, received, received, labels, actions, metadata, trace_id, span_id, change = 'raised'
      from plain where exists (select from all_new)
    ), raised as (
      insert into alert (tenant_id, alert_id, service, type, name, title, message, status, severity, occurrences,
        first_seen_at, last_seen_at, first_seq, described_seq, last_seq, labels, resolved_at)
      select tenant_id, new_alert_id, service, type, name, title, message, status, severity, 1, received, received,
        seq, seq, seq, labels, case when change = 'resolved' then received end
      from plain where exists (select from all_new)
    ), told_to as materialized (
      select plan_deliveries(array_agg(p.tenant_id), array_agg(p.new_alert_id), array_agg(p.seq), array_agg(p.severity),
               array_agg(d.channel), array_agg(d.recipient), received)
      from json_to_recordset(deliveries) as d(ord integer, channel text, recipient text) join plain p on p.ord = d.ord
      where p.change = 'raised' and (d.recipient is not null or has_recipients) and exists (select from all_new)
      having count(*) > 0
    )
    select 'stored', p.seq, p.epoch, p.fp, p.new_alert_id, p.change, p.status, p.severity, null, null, 1, 0,
      received::timestamptz, received::timestamptz, received::timestamptz, null, null::timestamptz, p.prev_fp, null,
      null, null::json, null::json
    from plain p
    where exists (select from all_new) and (select count(*) from told_to) >= 0
    order by p.ord;
    if found then
      setting := set_config('tocsin.tenants', outside, true);
      return;
    end if;
  end if;

  return query
  with incoming as materialized (
    -- columns that are sorted or compared with a key compare by bytes: under another collation the sorts alone would
    -- cost a fifth
    select * from json_to_recordset(batch) as e(
      ord integer, tenant_id text collate "C", service text collate "C", id text collate "C", body_hash text, fp text,
      new_alert_id uuid, type text, name text, title text, message text, severity text, status text,
      dedup_key text collate "C", occurred_at timestamptz, labels json, actions json, metadata json, trace_id text,
      span_id text, says integer, said_at timestamptz, snapshot boolean)
  ), known as materialized (
    -- the first message with a key in the batch is stored, unless an earlier batch has stored it
    select e.*, i.seq as stored_seq, i.epoch as stored_epoch, i.fp as stored_fp,
           first_value(e.ord) over same as first_ord,
           case when i.id is null then first_value(e.body_hash) over same = e.body_hash
                else is_same_body(i.body_hash, e.body_hash) end as same_body,
           i.id is null and first_value(e.ord) over same = e.ord as is_new
    from incoming e
    left join lateral (
      -- one index look-up a message: with `limit` it stays one, also in a plan that was made while the table was small
      select * from idempotency where tenant_id = e.tenant_id and service = e.service and id = e.id limit 1
    ) i on true
    window same as (partition by e.tenant_id, e.service, e.id order by e.ord)
  ), evolved as materialized (
    select k.ord, a.folded > 0 as was_folded, a.last_seq as found_seq, evolved(
             case when a.alert_id is not null then (
               a.alert_id, a.state_at, a.severity_at, a.first_seen_at, a.last_seen_at, a.snoozed_until,
               a.window_ends_at, a.acted_at, a.occurrences, a.window_repeats, a.folded, null,
               coalesce(a.said, 255 + case when a.status = 'resolved' and a.actor is null then 256 else 0 end),
               null, null, null, null, a.status, a.severity, null, null, a.assignee, a.actor, a.acted, a.said_at,
               w.words, array[a.type, a.name, null, null, a.labels::text], null, null, null)::alert_state end,
             k.ord, k.new_alert_id, coalesce(k.snapshot, false), k.status, k.severity,
             -- a processor of the release before sends neither the words that its messages say nor whose clock their
             -- time is by
             case when k.says is null then k.occurred_at else k.said_at end,
             coalesce(k.says, case k.status when 'firing' then 255 else 127 end),
             array[k.type, k.name, k.title, k.message, k.labels::text, k.actions::text, k.metadata::text], received,
             fold_after, received + fold_window
           ) over (partition by k.tenant_id, k.service, k.dedup_key order by k.ord) as state
    from known k
    left join lateral (
      select * from alert where tenant_id = k.tenant_id and service = k.service and dedup_key = k.dedup_key limit 1
    ) a on true
    cross join lateral (
      -- when this message is newer than all: the words that were said before and that it does not say; null: words must
      -- be compared
      select case when k.said_at > a.state_at and k.snapshot is not true
        then coalesce(a.said, 255) & ~k.says end as missing
    ) m
    left join lateral (
      -- the words that describe the alert, unless the message says all of them: from its newest folded repeat, else
      -- from the alert. The words after the first five, which only the entry has, are looked up when they are needed
      select array[a.type, a.name, a.title, a.message, a.labels::text, coalesce(e.actions::text, '[]'),
        coalesce(e.metadata::text, '{}')] as words
      from (select) one left join lateral (
        select * from event where tenant_id = a.tenant_id and seq = a.described_seq
          and (m.missing & ~415 = 0) is not true limit 1
      ) e on true
      where a.folded = 0 and (m.missing & ~384 = 0) is not true
      union all
      select array[r.type, r.name, r.title, r.message, r.labels::text, r.actions::text, r.metadata::text]
      from folded_repeat r
      where a.folded > 0 and (m.missing & ~384 = 0) is not true and r.tenant_id = a.tenant_id
        and r.alert_id = a.alert_id
    ) w on true
    where k.is_new and k.dedup_key is not null
  ), judged as materialized (
    -- a message without a dedup_key is an alert of its own: nothing is looked up or called for it
    select k.ord, k.tenant_id, k.service, k.id, k.body_hash, k.fp, k.dedup_key, k.occurred_at, k.trace_id, k.span_id,
           coalesce((e.state).alert_id, k.new_alert_id) as alert_id,
           coalesce((e.state).change, case k.status when 'resolved' then 'resolved' else 'raised' end) as change,
           coalesce((e.state).status, k.status) as now_status, coalesce((e.state).severity, k.severity) as now_severity,
           (e.state).previous_status, (e.state).previous_severity, (e.state).state_at, (e.state).severity_at,
           coalesce((e.state).occurrences, 1) as occurrences,
           coalesce((e.state).first_seen_at, received) as first_seen_at,
           coalesce((e.state).last_seen_at, received) as last_seen_at, (e.state).assignee, (e.state).snoozed_until,
           (e.state).window_ends_at, (e.state).window_repeats, (e.state).folded, (e.state).actor, (e.state).acted,
           (e.state).acted_at, coalesce((e.state).told, 0) as told, e.was_folded, e.found_seq, (e.state).newest,
           (e.state).said, (e.state).said_at, (e.state).describes, (e.state).carries, (e.state).previous_type,
           (e.state).previous_name, (e.state).previous_labels::json,
           case when (e.state).carries then (e.state).words[1] else k.type end as type,
           case when (e.state).carries then (e.state).words[2] else k.name end as name,
           case when (e.state).carries then (e.state).words[3] else k.title end as title,
           case when (e.state).carries then (e.state).words[4] else k.message end as message,
           case when (e.state).carries then (e.state).words[5]::json else k.labels end as labels,
           case when (e.state).carries then (e.state).words[6]::json else k.actions end as actions,
           case when (e.state).carries then (e.state).words[7]::json else k.metadata end as metadata
    from known k left join evolved e on e.ord = k.ord
    where k.is_new
  ), numbered as materialized (
    -- a folded message has no number, nor has a snapshot of the present state; the entries around them are neighbours
    select j.*, s.epoch,
           case when j.change not in ('folded', 'duplicate') then s.last_seq + row_number() over own end as seq,
           coalesce(lag(j.fp) over own, s.last_fp) as prev_fp
    from judged j join tenant_stream s on s.tenant_id = j.tenant_id
    where s.tenant_id = any (tenants)
    window own as (partition by j.tenant_id, j.change in ('folded', 'duplicate') order by j.ord)
  ), shown as materialized (
    -- a snapshot of the present state gets the position of the newest entry of the alert, from this batch or an earlier
    -- one
    select n.ord, coalesce(m.seq, e.seq) as seq, coalesce(m.fp, e.fp) as fp
    from numbered n left join numbered m on m.ord = n.newest
    left join lateral (select seq, fp from event
      where tenant_id = n.tenant_id and seq = n.found_seq and n.newest is null limit 1) e on true
    where n.change = 'duplicate'
  ), counted as (
    update tenant_stream s set last_seq = last.seq, last_fp = last.fp
    from (select distinct on (tenant_id) tenant_id, seq, fp
      from numbered where seq is not null order by tenant_id, seq desc) last
    where s.tenant_id = last.tenant_id and s.tenant_id = any (tenants)
  ), remembered as (
    insert into idempotency (tenant_id, service, id, seq, epoch, fp, body_hash, stored_at)
    select n.tenant_id, n.service, n.id, coalesce(n.seq, s.seq), n.epoch,
      case when n.seq is not null then n.fp else s.fp end, n.body_hash, received
    from numbered n left join shown s on s.ord = n.ord
  ), logged as (
    insert into event (tenant_id, seq, fp, event_id, alert_id, change, status, severity, previous_status,
      previous_severity, type, service, name, title, message, occurrences, folded, occurred_at, received_at, dedup_key,
      first_seen_at, last_seen_at, labels, actions, metadata, assignee, snoozed_until, trace_id, span_id, previous_type,
      previous_name, previous_labels, rings)
    select tenant_id, seq, fp, id, alert_id, change, now_status, now_severity, previous_status, previous_severity, type,
      service, name, title, message, occurrences, told, occurred_at, received, dedup_key, first_seen_at, last_seen_at,
      labels, actions, metadata, assignee, snoozed_until, trace_id, span_id, previous_type, previous_name,
      previous_labels, change in ('raised', 'reopened', 'severity_raised')
    from numbered where seq is not null
  ), raised as (
    insert into alert (tenant_id, alert_id, service, type, name, title, message, status, severity, state_at,
      occurrences, first_seen_at, last_seen_at, first_seq, described_seq, last_seq, labels, resolved_at)
    select tenant_id, alert_id, service, type, name, title, message, now_status, now_severity, null, occurrences,
      first_seen_at, last_seen_at, seq, seq, seq, labels, case when now_status = 'resolved' then received end
    from numbered where dedup_key is null
  ), final as materialized (
    select distinct on (tenant_id, alert_id) * from numbered
    where dedup_key is not null and change <> 'duplicate' order by tenant_id, alert_id, ord desc
  ), entries as materialized (
    select tenant_id, alert_id, min(seq) as oldest_seq, max(seq) as newest_seq,
      bool_or(now_status = 'resolved' and previous_status is distinct from 'resolved') as resolves,
      bool_or(now_status <> 'resolved' and previous_status = 'resolved') as reopens
    from numbered where dedup_key is not null and seq is not null group by tenant_id, alert_id
  ), described as materialized (
    select distinct on (tenant_id, alert_id) * from numbered
    where dedup_key is not null and seq is not null and describes order by tenant_id, alert_id, ord desc
  ), changed as (
    -- an alert has the state after its last message, and is described by its last entry that says something new of it
    insert into alert as a (tenant_id, alert_id, service, dedup_key, type, name, title, message, status, severity,
      state_at, severity_at, occurrences, first_seen_at, last_seen_at, first_seq, described_seq, last_seq, labels,
      assignee, snoozed_until, window_ends_at, window_repeats, folded, actor, acted, acted_at, said, said_at,
      resolved_at, reopened_at)
    select f.tenant_id, f.alert_id, f.service, f.dedup_key, coalesce(d.type, f.type), d.name,
      coalesce(d.title, f.title), d.message, f.now_status, f.now_severity, f.state_at, f.severity_at, f.occurrences,
      f.first_seen_at, f.last_seen_at, coalesce(n.oldest_seq, 0), coalesce(d.seq, 0), coalesce(n.newest_seq, 0),
      coalesce(d.labels, f.labels), f.assignee, f.snoozed_until, f.window_ends_at, f.window_repeats, f.folded, f.actor,
      f.acted, f.acted_at, f.said, f.said_at, case when f.now_status = 'resolved' and n.resolves then received end,
      case when n.reopens then received end
    from final f left join described d on d.tenant_id = f.tenant_id and d.alert_id = f.alert_id
      left join entries n on n.tenant_id = f.tenant_id and n.alert_id = f.alert_id
    on conflict (tenant_id, alert_id) do update set
      status = excluded.status, severity = excluded.severity, state_at = excluded.state_at,
      severity_at = excluded.severity_at, occurrences = excluded.occurrences, last_seen_at = excluded.last_seen_at,
      assignee = excluded.assignee, snoozed_until = excluded.snoozed_until, window_ends_at = excluded.window_ends_at,
      window_repeats = excluded.window_repeats, folded = excluded.folded, actor = excluded.actor,
      acted = excluded.acted, acted_at = excluded.acted_at, said = excluded.said, said_at = excluded.said_at,
      type = case when excluded.described_seq > 0 then excluded.type else a.type end,
      name = case when excluded.described_seq > 0 then excluded.name else a.name end,
      title = case when excluded.described_seq > 0 then excluded.title else a.title end,
      message = case when excluded.described_seq > 0 then excluded.message else a.message end,
      labels = case when excluded.described_seq > 0 then excluded.labels else a.labels end,
      -- an alert that stays resolved keeps the time when it was
      resolved_at = case when excluded.status = 'resolved' then coalesce(excluded.resolved_at, a.resolved_at) end,
      reopened_at = coalesce(excluded.reopened_at, a.reopened_at),
      described_seq = greatest(a.described_seq, excluded.described_seq),
      last_seq = greatest(a.last_seq, excluded.last_seq)
  ), held as (
    -- the newest folded repeat waits to become an entry; folding goes on in the next window under the same row
    insert into folded_repeat (tenant_id, alert_id, due_at, service, id, type, name, title, message, occurred_at,
      labels, actions, metadata, trace_id)
    select tenant_id, alert_id, window_ends_at, service, id, type, name, title, message, occurred_at, labels, actions,
      metadata, trace_id
    from final where change = 'folded'
    on conflict (tenant_id, alert_id) do update set
      due_at = excluded.due_at, id = excluded.id, type = excluded.type, name = excluded.name, title = excluded.title,
      message = excluded.message, occurred_at = excluded.occurred_at, labels = excluded.labels,
      actions = excluded.actions, metadata = excluded.metadata, trace_id = excluded.trace_id
  ), told as (
    delete from folded_repeat r using final f
    where f.was_folded and f.change <> 'folded' and r.tenant_id = f.tenant_id and r.alert_id = f.alert_id
  ), over as materialized (
    select cancel_deliveries(array_agg(n.tenant_id), array_agg(n.alert_id), received)
    from numbered n where n.change = 'resolved' and n.dedup_key is not null having count(*) > 0
  ), told_to as materialized (
    -- a call when there is something to plan, and nothing else of it here: most batches plan nothing. What is over is
    -- cancelled first: an alert may fire again in the same batch
    select plan_deliveries(array_agg(n.tenant_id), array_agg(n.alert_id), array_agg(n.seq), array_agg(n.now_severity),
             array_agg(d.channel), array_agg(d.recipient), received)
    from json_to_recordset(deliveries) as d(ord integer, channel text, recipient text) join numbered n on n.ord = d.ord
    where n.change in ('raised', 'reopened', 'severity_raised') and (d.recipient is not null or has_recipients)
      and (select count(*) from over) >= 0
    having count(*) > 0
  )
  select
    case when not k.same_body then 'conflict' when not k.is_new or n.change = 'duplicate' then 'duplicate'
         when n.seq is null then 'folded' else 'stored' end,
    coalesce(k.stored_seq, n.seq, s.seq), coalesce(k.stored_epoch, n.epoch), coalesce(k.stored_fp, s.fp, n.fp),
    n.alert_id, n.change, n.now_status, n.now_severity, n.previous_status, n.previous_severity, n.occurrences, n.told,
    received::timestamptz, n.first_seen_at, n.last_seen_at, n.assignee, n.snoozed_until, n.prev_fp, n.previous_type,
    n.previous_name, n.previous_labels,
    case when n.carries then json_build_object('type', n.type, 'name', n.name, 'title', n.title, 'message', n.message,
      'labels', n.labels, 'actions', n.actions, 'metadata', n.metadata) end
  from known k left join numbered n on n.ord = k.first_ord left join shown s on s.ord = n.ord
  -- what is not read does not run
  where (select count(*) from over) + (select count(*) from told_to) >= 0
  order by k.ord;
  setting := set_config('tocsin.tenants', outside, true);
end $$;

alter function store_events owner to tocsin_definer;
revoke all on function store_events from public;
grant execute on function store_events to tocsin_processor;
