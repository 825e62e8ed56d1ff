-- What becomes of a dead letter: it is open until a person redrives or discards it. The row stays as the record of that.
alter table dead_letter
  -- What the transport said beside the body, for a redrive to say again.
  add column message_id text,
  add column message_timestamp bigint,
  add column status text not null default 'open' check (status in ('open', 'redriven', 'discarded')),
  add column decided_at timestamptz(3),
  add column decided_by text,
  add column note text,
  -- 64 KiB are kept. Whatever is refused for another reason than these two was not longer than that.
  add column truncated boolean not null generated always as (octet_length(body) >= 65536 and reason in ('message_too_large', 'delivery_limit')) stored,
  add constraint decided check ((status = 'open') = (decided_at is null));

-- How many are open and since when, without a look at the bodies; and those that were decided long ago.
create index dead_letter_open on dead_letter (reason, buried_at) where status = 'open';
create index dead_letter_decided on dead_letter (decided_at) where decided_at is not null;

-- Letters without a tenant, and all of them at once, are for operators: the functions say when one asks.
create policy operator on dead_letter to tocsin_definer using (current_setting('tocsin.operator', true) = 'on');
grant select, update, delete on dead_letter to tocsin_definer;
