-- The clock orders neither two renewals nor a renewal and a revocation that fall into the same millisecond. Numbers do.
create sequence push_renewal;
grant usage on sequence push_renewal to tocsin_definer;

-- `after_revocation`: the newest revocation of the user when the browser was subscribed. Rows from before this migration
-- have 0, so a user whose access was revoked in the last 30 days gets messages again when the page is opened.
alter table push_subscription
  drop column subscribed_at,
  add column renewal bigint not null default nextval('push_renewal'),
  add column after_revocation bigint not null default 0;
