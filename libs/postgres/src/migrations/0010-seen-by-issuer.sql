-- Two issuers may each have a user of one name, and what one of them has seen says nothing of the other. Empty: the only issuer
-- that is accepted, or a token that names none.
alter table seen add column issuer text collate "C" not null default '';
alter table seen drop constraint seen_pkey, add primary key (issuer, user_id, tenant_id);
