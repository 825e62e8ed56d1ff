-- The sessions of people who signed in through an OpenID provider. A row is found by the digest of the secret that the
-- browser's cookie holds, and the tokens in it are encrypted with a key that the database does not have: neither the
-- table nor a backup of it signs anybody in.
create table session (
  session_id text collate "C" primary key,
  sealed text not null,
  -- grows with each renewal of the tokens, so that of two gateways only one stores its own
  version integer not null default 1,
  signed_in_at timestamptz(3) not null default clock_timestamp(),
  used_at timestamptz(3) not null default clock_timestamp(),
  ends_at timestamptz(3) not null,
  -- until when one gateway alone may ask the provider for new tokens
  renewed_alone_until timestamptz(3)
);
create index session_end on session (ends_at);

alter table session enable row level security;
alter table session force row level security;
create policy definer on session to tocsin_definer using (true);
grant select, insert, update, delete on session to tocsin_definer;
