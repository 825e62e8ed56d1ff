-- Handles every alert whose window is over and which has folded repeats that no entry has told of. The newest of these
-- repeats is appended as an entry, which tells how many the others are; at most as many entries as `fps` has elements.
-- Runs in autocommit under READ COMMITTED, with the locks of `store_events` in the same order: when several processors
-- call it, the later ones find nothing left to append.
create or replace function append_folded(fps text[])
returns setof entry
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
begin
  if tenants = '{}' then
    return;
  end if;
  perform set_config('tocsin.tenants', tenants::text, true);
  perform from tenant_stream where tenant_id = any (tenants) order by tenant_id for no key update;

  return query
  with due as materialized (
    select r.*, row_number() over (order by r.due_at, r.tenant_id, r.alert_id) as place
    from folded_repeat r
    where r.tenant_id = any (tenants) and r.due_at <= now()
    order by place
    limit cardinality(fps)
  ), appended as materialized (
    select * from append_entries((
      select json_agg(json_build_object('tenant_id', d.tenant_id, 'alert_id', d.alert_id, 'fp', fps[d.place], 'says',
        json_build_object(
               'event_id', d.id, 'change', 'repeated', 'folded', a.folded - 1, 'occurred_at', d.occurred_at,
               'trace_id', d.trace_id
             )) order by d.place)
      from due d join alert a on a.tenant_id = d.tenant_id and a.alert_id = d.alert_id
      where a.folded > 0
    ), date_trunc('milliseconds', clock_timestamp()))
  ), remembered as (
    -- the repeat that becomes an entry is no longer folded: when its message is sent again, it is a duplicate of this
    -- entry
    update idempotency i set seq = n.seq, epoch = n.epoch, fp = n.fp
    from appended n
    where i.tenant_id = n.tenant_id and i.service = n.service and i.id = n.event_id
  )
  select * from appended n
  order by n.tenant_id, n.seq;
  perform set_config('tocsin.tenants', outside, true);
end $$;

alter function append_folded owner to tocsin_definer;
revoke all on function append_folded from public;
grant execute on function append_folded to tocsin_processor;
