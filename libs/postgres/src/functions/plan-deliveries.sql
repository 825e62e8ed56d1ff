-- Plans the deliveries of entries, each with a recipient and a channel. The lists have an element for each plan. A plan
-- without a recipient stands for the tenant's recipients at the severity of the entry: on the channel of the plan, or
-- on all channels if the plan has none. The callers have set the tenants for row-level security, and call this only
-- when there are plans.
create or replace function plan_deliveries(
  of_tenants text[], of_alerts uuid[], seqs bigint[], severities text[], channels text[], recipients text[],
    received timestamptz
)
returns bigint
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
-- the keys of recipients are few, even if the planner's estimates for the table are wrong
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  planned bigint;
begin
  with told as (
    insert into delivery (tenant_id, alert_id, seq, channel, recipient, due_at, created_at)
    select p.tenant_id, p.alert_id, p.seq, coalesce(p.channel, r.channel), coalesce(p.recipient, r.address), received,
      received
    from unnest(of_tenants, of_alerts, seqs, severities, channels, recipients) as p(tenant_id, alert_id, seq, severity,
      channel, recipient)
    left join recipient r on p.recipient is null and r.tenant_id = p.tenant_id and r.severity = p.severity
      and r.channel = coalesce(p.channel, r.channel)
    where p.recipient is not null or r.address is not null
    on conflict do nothing
    returning tenant_id, delivery_id, channel, alert_id, seq, recipient
  )
  insert into delivery_due (tenant_id, delivery_id, channel, alert_id, seq, recipient, planned_at, first_due_at, due_at,
    ready)
  select tenant_id, delivery_id, channel, alert_id, seq, recipient, received, received, received, true from told;
  get diagnostics planned = row_count;
  return planned;
end $$;

-- Cancels the pending deliveries of alerts that are over. It does not stop an attempt that is under way, and it skips
-- rows that another process has locked: the next claim checks the alert again. The callers hold the locks of the
-- tenants and have set them for row-level security.
create or replace function cancel_deliveries(of_tenants text[], of_alerts uuid[], received timestamptz)
returns bigint
language plpgsql volatile security invoker
set search_path = tocsin, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
  cancelled bigint;
begin
  with dropped as (
    delete from delivery_due d
    using (
      select p.tenant_id, p.delivery_id
      from unnest(of_tenants, of_alerts) as a(tenant_id, alert_id)
      cross join lateral (
        select tenant_id, delivery_id from delivery_due
        where tenant_id = a.tenant_id and alert_id = a.alert_id and begun_at is null
        for update skip locked
      ) p
    ) pending
    where d.tenant_id = pending.tenant_id and d.delivery_id = pending.delivery_id
    returning d.tenant_id, d.delivery_id
  )
  update delivery d set status = 'cancelled', reason = 'alert_over', settled_at = received
  from dropped where d.tenant_id = dropped.tenant_id and d.delivery_id = dropped.delivery_id;
  get diagnostics cancelled = row_count;
  return cancelled;
end $$;

alter function plan_deliveries owner to tocsin_definer;
alter function cancel_deliveries owner to tocsin_definer;
revoke all on function plan_deliveries, cancel_deliveries from public;
