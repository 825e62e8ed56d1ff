-- Which processes of the installation run, as they say themselves.

-- One that was silent for a day is forgotten by the next announcement of another.
create or replace function announce_process(process uuid, app text, version text, commit text, started_at timestamptz)
returns void
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
begin
  -- nothing here waits for the disk: a lost announcement is repeated
  perform set_config('synchronous_commit', 'off', true);
  delete from running_process where heard_at < now() - interval '1 day';
  insert into running_process as known
  values (process, announce_process.app, announce_process.version, announce_process.commit, announce_process.started_at,
    clock_timestamp())
  on conflict (instance) do update
  set app = excluded.app, version = excluded.version, commit = excluded.commit, started_at = excluded.started_at,
    heard_at = excluded.heard_at;
end $$;

create or replace function forget_process(process uuid)
returns void
language sql volatile security definer
set search_path = tocsin, pg_temp
as $$
  delete from running_process where instance = process
$$;

create or replace function heard_processes()
returns table (app text, version text, commit text, started_at timestamptz, heard_at timestamptz)
language sql stable security definer
set search_path = tocsin, pg_temp
as $$
  -- the last heard: those that died within the last day must not take the places of those that run
  select app, version, commit, started_at, heard_at
  from (select * from running_process order by heard_at desc limit 100) newest
  order by app, heard_at desc
$$;

alter function announce_process owner to tocsin_definer;
alter function forget_process owner to tocsin_definer;
alter function heard_processes owner to tocsin_definer;
revoke all on function announce_process, forget_process, heard_processes from public;
grant execute on function announce_process, forget_process to tocsin_gateway, tocsin_processor, tocsin_notifier;
grant execute on function heard_processes to tocsin_gateway;
