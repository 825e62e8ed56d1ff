-- A push message asks whether the user was revoked. Revocations of single tokens, which are most, have no part in that.
-- once
create index concurrently if not exists revocation_of_user on tocsin.revocation (user_id, revocation_id) where jti is null;
