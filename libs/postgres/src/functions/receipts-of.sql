-- What became of messages: stored or folded ones are found by their ids, dead ones by their bytes. No row: nothing is
-- known yet. Only the newest dead letters are searched, those of the tenants and those without one, because the client
-- has only just published.
create or replace function receipts_of(tenants text[], services text[], ids text[], body_hashes text[],
  bytes_sha256 text[])
returns table (ord integer, outcome text, reason text, epoch text, seq bigint, fp text)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
begin
  -- only operators see letters without a tenant; here one of them is reported only to the client that sent the same
  -- bytes
  perform set_config('tocsin.tenants', tenants::text, true), set_config('tocsin.operator', 'on', true);
  return query
  -- each letter is hashed once, not once for each message that is asked about
  with letters as materialized (
    select distinct on (l.tenant_id, encode(sha256(l.body), 'hex'))
      l.tenant_id, l.reason, encode(sha256(l.body), 'hex') as letter_sha256
    from (
      select n.*
      from (select distinct u.tenant_id from unnest(tenants) as u(tenant_id)) t
      cross join lateral (select dead_letter_id, tenant_id, reason, body, buried_at from dead_letter
        where tenant_id = t.tenant_id order by dead_letter_id desc limit 500) n
      union all
      (select dead_letter_id, tenant_id, reason, body, buried_at from dead_letter
        where tenant_id is null order by dead_letter_id desc limit 200)
    ) l
    where l.buried_at > now() - interval '1 minute'
    order by l.tenant_id, encode(sha256(l.body), 'hex'), l.dead_letter_id desc
  )
  select a.ord::integer - 1,
    case when not is_same_body(i.body_hash, a.body_hash) then 'dead' when i.seq is null then 'folded' else 'stored' end,
    case when not is_same_body(i.body_hash, a.body_hash) then 'id_conflict' end,
    i.epoch, i.seq, i.fp
  from unnest(tenants, services, ids, body_hashes) with ordinality as a(tenant_id, service, id, body_hash, ord)
  join idempotency i on i.tenant_id = a.tenant_id and i.service = a.service and i.id = a.id
  union all
  select a.ord::integer - 1, 'dead', d.reason, null, null, null
  from unnest(tenants, bytes_sha256) with ordinality as a(tenant_id, bytes_sha256, ord)
  join letters d on d.letter_sha256 = a.bytes_sha256 and (d.tenant_id = a.tenant_id or d.tenant_id is null);
  perform set_config('tocsin.tenants', outside, true), set_config('tocsin.operator', '', true);
end $$;

grant select on dead_letter to tocsin_definer;
alter function receipts_of owner to tocsin_definer;
revoke all on function receipts_of from public;
grant execute on function receipts_of to tocsin_gateway;
