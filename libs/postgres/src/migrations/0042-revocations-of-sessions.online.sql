-- The revocations of sessions are in force for a day, and all others for 400 days: those of sessions that can be deleted
-- stand anywhere among the others.
-- once
create index concurrently if not exists revocation_of_session on tocsin.revocation (created_at)
  where jti ~ '^session:[A-Za-z0-9_-]{43}$';
