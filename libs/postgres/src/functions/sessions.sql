-- Each call also deletes a few sessions that have ended, so the table stays as small as its use.
create or replace function create_session(named text, sealed text, lasting interval)
returns void
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  delete from session s where s.session_id in (
    select o.session_id from session o where o.ends_at < clock_timestamp()
      order by o.ends_at limit 20 for update skip locked
  );
  insert into session (session_id, sealed, ends_at) values (named, create_session.sealed, clock_timestamp() + lasting);
$$;

-- No row: there is no such session, its time is over, or it was not used for `idle`; then it is not used again.
create or replace function use_session(named text, idle interval)
returns table (sealed text, version integer, signed_in_at timestamptz, ends_at timestamptz)
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  update session s set used_at = clock_timestamp()
  where s.session_id = named and s.ends_at > clock_timestamp() and s.used_at > clock_timestamp() - idle
  returning s.sealed, s.version, s.signed_in_at, s.ends_at;
$$;

-- True for one caller at a time. A gateway that dies meanwhile keeps the others waiting for `lease` at most.
create or replace function claim_session_renewal(named text, of_version integer, lease interval)
returns boolean
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
begin
  update session s set renewed_alone_until = clock_timestamp() + lease
  where s.session_id = named and s.version = of_version
    and (s.renewed_alone_until is null or s.renewed_alone_until <= clock_timestamp());
  return found;
end $$;

create or replace function renew_session(named text, of_version integer, newly_sealed text)
returns boolean
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
begin
  update session s set sealed = newly_sealed, version = s.version + 1, renewed_alone_until = null
  where s.session_id = named and s.version = of_version;
  return found;
end $$;

create or replace function end_session(named text)
returns void
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  delete from session s where s.session_id = named;
$$;

alter function create_session owner to tocsin_definer;
alter function use_session owner to tocsin_definer;
alter function claim_session_renewal owner to tocsin_definer;
alter function renew_session owner to tocsin_definer;
alter function end_session owner to tocsin_definer;
revoke all on function create_session, use_session, claim_session_renewal, renew_session, end_session from public;
grant execute on function create_session, use_session, claim_session_renewal, renew_session,
  end_session to tocsin_gateway;
