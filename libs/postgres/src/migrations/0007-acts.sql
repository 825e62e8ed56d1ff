-- What people do with alerts: entries like any other, with who did it and what they had to say.
alter table event add column note text;

alter type alert_state
  add attribute actor text,
  add attribute acted_at timestamptz;

-- Which snoozes are over is asked before any tenant can be named: the function says when it asks.
create index alert_snoozed on alert (snoozed_until) where status = 'snoozed';
create policy waking on alert for select to tocsin_definer
  using (current_setting('tocsin.waking', true) = 'on' and status = 'snoozed' and snoozed_until <= now());

-- How far a user has seen each tenant's log: what is behind it is new, on every device.
create table seen (
  user_id text collate "C" not null,
  tenant_id text collate "C" not null,
  epoch text not null,
  seq bigint not null,
  primary key (user_id, tenant_id)
) with (fillfactor = 50);

alter table seen enable row level security;
alter table seen force row level security;
create policy tenant on seen using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])));
grant select, insert, update on seen to tocsin_definer;
