-- Whether the list of members (`tenant_membership`) had the user in the tenant when the browser was subscribed. Then it must
-- still have the user when a message is sent. False: a token or a tenant service said so, and nobody can be asked later.
alter table push_subscription add column listed boolean not null default false;
