-- When the token was issued with which the browser was subscribed: a revocation ends the subscription if it ends that
-- token, in whatever order the two were stored. Rows from before this migration, and those that gateways of the version
-- before write, do not say it; for them every revocation counts whose id is above `after_revocation`. Other rows have 0
-- there.
alter table push_subscription add column issued_at timestamptz(3) not null default '-infinity';
