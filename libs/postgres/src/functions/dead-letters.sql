-- Reads, counts and decides dead letters. `reach` is the tenants of the user; row-level security enforces it in every
-- statement. Null is an operator, who reaches every letter, those without a tenant included, but not those of the
-- tenants in `without`, which were revoked from the operator's token. Oldest first, unless `newest_first`: then
-- `behind` is an upper bound.

create or replace function read_dead_letters(
  reach text[], of_tenant text, of_reason text, of_status text, behind bigint, up_to bigint, only_whole boolean,
  with_bodies boolean, at_most integer, without text[] default '{}', newest_first boolean default false
)
returns table (
  dead_letter_id bigint, tenant_id text, reason text, detail text, routing_key text, message_id text,
  message_timestamp bigint, content_encoding text, headers jsonb, body_bytes integer, truncated boolean,
  buried_at timestamptz, status text, decided_at timestamptz, decided_by text, note text, body bytea
)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform reach_dead_letters(reach);
  -- Each direction is a statement of its own: an order that depends on a parameter is not read from the primary key.
  if newest_first then
    return query
    select d.dead_letter_id, d.tenant_id, d.reason, d.detail, d.routing_key, d.message_id, d.message_timestamp,
      d.content_encoding, d.headers, octet_length(d.body), d.truncated, d.buried_at::timestamptz, d.status,
      d.decided_at::timestamptz, d.decided_by, d.note, case when with_bodies then d.body end
    from dead_letter d
    where (behind is null or d.dead_letter_id < behind) and (up_to is null or d.dead_letter_id <= up_to)
      and (of_tenant is null or d.tenant_id = of_tenant) and (of_reason is null or d.reason = of_reason)
      and (of_status is null or d.status = of_status) and not (only_whole and d.truncated)
      and (d.tenant_id = any (without)) is not true
    order by d.dead_letter_id desc
    limit at_most;
  else
    return query
    select d.dead_letter_id, d.tenant_id, d.reason, d.detail, d.routing_key, d.message_id, d.message_timestamp,
      d.content_encoding, d.headers, octet_length(d.body), d.truncated, d.buried_at::timestamptz, d.status,
      d.decided_at::timestamptz, d.decided_by, d.note, case when with_bodies then d.body end
    from dead_letter d
    where d.dead_letter_id > coalesce(behind, 0) and (up_to is null or d.dead_letter_id <= up_to)
      and (of_tenant is null or d.tenant_id = of_tenant) and (of_reason is null or d.reason = of_reason)
      and (of_status is null or d.status = of_status) and not (only_whole and d.truncated)
      and (d.tenant_id = any (without)) is not true
    order by d.dead_letter_id
    limit at_most;
  end if;
  perform leave_dead_letters(outside);
end $$;

-- How many letters are open, and the number of the newest. A redrive of all of them stops at that number, or it could
-- go on for ever with letters that it causes itself.
create or replace function count_open_dead_letters(reach text[], of_tenant text, of_reason text, up_to bigint,
  only_whole boolean, without text[] default '{}')
returns table (letters bigint, newest bigint)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform reach_dead_letters(reach);
  return query
  select count(*), max(d.dead_letter_id)
  from dead_letter d
  where d.status = 'open' and (up_to is null or d.dead_letter_id <= up_to)
    and (of_tenant is null or d.tenant_id = of_tenant) and (of_reason is null or d.reason = of_reason)
    and not (only_whole and d.truncated)
    and (d.tenant_id = any (without)) is not true;
  perform leave_dead_letters(outside);
end $$;

-- Decides those letters that are open, and returns which they were. Each call also deletes a few letters that were
-- decided 30 days ago.
create or replace function decide_dead_letters(reach text[], letters bigint[], decision text, by_user text, why text,
  without text[] default '{}')
returns table (dead_letter_id bigint)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform reach_dead_letters(null);
  delete from dead_letter where dead_letter_id in (
    select d.dead_letter_id from dead_letter d
      where d.decided_at < now() - interval '30 days' order by d.decided_at limit 100 for update skip locked
  );
  perform reach_dead_letters(reach);
  return query
  update dead_letter d set status = decision, decided_at = clock_timestamp(), decided_by = by_user, note = why
  where d.dead_letter_id = any (letters) and d.status = 'open' and (d.tenant_id = any (without)) is not true
  returning d.dead_letter_id;
  perform leave_dead_letters(outside);
end $$;

-- The number of open letters of all tenants by reason, and since when the oldest of each reason waits.
create or replace function dead_letter_depth()
returns table (reason text, letters bigint, oldest timestamptz)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  perform reach_dead_letters(null);
  return query select d.reason, count(*), min(d.buried_at)::timestamptz
    from dead_letter d where d.status = 'open' group by d.reason;
  perform leave_dead_letters(outside);
end $$;

-- Sets what row-level security reads while one of the functions above runs, and resets it afterwards.
create or replace function reach_dead_letters(reach text[])
returns void
language sql volatile security invoker
set search_path = tocsin, pg_temp
as $$
  select set_config('tocsin.tenants', coalesce(reach::text, ''), true),
    set_config('tocsin.operator', case when reach is null then 'on' else '' end, true)
$$;

create or replace function leave_dead_letters(outside text)
returns void
language sql volatile security invoker
set search_path = tocsin, pg_temp
as $$
  select set_config('tocsin.tenants', outside, true), set_config('tocsin.operator', '', true)
$$;

alter function read_dead_letters owner to tocsin_definer;
alter function count_open_dead_letters owner to tocsin_definer;
alter function decide_dead_letters owner to tocsin_definer;
alter function dead_letter_depth owner to tocsin_definer;
alter function reach_dead_letters owner to tocsin_definer;
alter function leave_dead_letters owner to tocsin_definer;
revoke all on function read_dead_letters, count_open_dead_letters, decide_dead_letters, dead_letter_depth,
  reach_dead_letters, leave_dead_letters from public;
grant execute on function read_dead_letters, count_open_dead_letters, decide_dead_letters,
  dead_letter_depth to tocsin_gateway;
