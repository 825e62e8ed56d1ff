-- What providers report of phone messages, the replies of those who got one, and the browsers that take push messages.

-- ---- SMS and WhatsApp ------------------------------------------------------------------------------------------------

alter table delivery
  add column provider_status text,
  add column provider_code text,
  add column provider_status_at timestamptz(3);

-- A reply names the number of an entry, and comes from the phone that was told. Deliveries over other channels are not in
-- this index and do not pay for it.
create index delivery_to_phone on delivery (recipient, seq) where channel in ('sms', 'whatsapp');

-- The tenant of a reply is not known beforehand. The function shows the deliveries to one phone number.
create policy by_phone on delivery for select to tocsin_definer
  using (channel in ('sms', 'whatsapp') and recipient = nullif(current_setting('tocsin.phone', true), ''));

-- ---- push ------------------------------------------------------------------------------------------------------------

-- A browser of a user in a tenant. An endpoint is one browser, and one user's.
create table push_subscription (
  endpoint text collate "C" not null,
  tenant_id text collate "C" not null,
  user_id text collate "C" not null,
  issuer text collate "C" not null,
  p256dh text not null,
  auth text not null,
  subscribed_at timestamptz(3) not null,
  renewed_at timestamptz(3) not null,
  -- The last delivery that this browser has taken and others of its user had yet to get.
  taken uuid,
  primary key (endpoint, tenant_id)
);
create index push_subscription_user on push_subscription (tenant_id, user_id);

alter table push_subscription enable row level security;
alter table push_subscription force row level security;
create policy tenant on push_subscription
  using (tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])));
-- Who names an endpoint has its browser, or was told by its push service that it is gone.
create policy by_endpoint on push_subscription to tocsin_definer
  using (endpoint in (select unnest(nullif(current_setting('tocsin.endpoints', true), '')::text[])));
grant select, insert, update, delete on push_subscription to tocsin_definer;
