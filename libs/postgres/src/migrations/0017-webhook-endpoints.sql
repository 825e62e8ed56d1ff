-- Webhook endpoints: what is known of each address to which a tenant's webhooks are posted.

-- A row is made when its address is used or configured for the first time. No secret is stored: it is derived from a key and
-- from what is here.
create table webhook_endpoint (
  tenant_id text collate "C" not null,
  endpoint_id uuid not null default gen_random_uuid(),
  url text not null,
  -- Null: chosen by the host.
  format text check (format in ('standard', 'slack', 'teams', 'telegram', 'ntfy')),
  header_names text[] not null default '{}',
  -- The headers as JSON, sealed by AES-256-GCM for this tenant and endpoint.
  sealed_headers text,
  secret_version integer not null default 1,
  rotated_at timestamptz(3),
  -- The first and the last of the failures without a success between them.
  failing_since timestamptz(3),
  failed_at timestamptz(3),
  disabled_at timestamptz(3),
  disabled_reason text check (disabled_reason in ('gone', 'failing', 'by_request')),
  -- Who configured it. A row that nobody has configured, and that was not used for long, is deleted.
  owner text,
  created_at timestamptz(3) not null default now(),
  used_on date not null default current_date,
  primary key (tenant_id, endpoint_id)
);
create unique index webhook_endpoint_url on webhook_endpoint (tenant_id, url);

alter table webhook_endpoint enable row level security;
alter table webhook_endpoint force row level security;
create policy tenant on webhook_endpoint
  using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])));
grant select, insert, update, delete on webhook_endpoint to tocsin_definer;

-- The key of secrets and sealed headers when none is configured: made here, once a system. The apps read it through a
-- function; no role of theirs reads the table.
create table webhook_key (
  sole boolean primary key default true check (sole),
  key text not null check (length(key) >= 64),
  made_at timestamptz not null default now()
);
-- two random UUIDs: 244 bits of what the server draws for secrets
insert into webhook_key (key) values (replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));

grant select on webhook_key to tocsin_definer;
alter table webhook_key enable row level security;
alter table webhook_key force row level security;
create policy definer on webhook_key for select to tocsin_definer using (true);
