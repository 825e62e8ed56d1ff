-- What lists of alerts show, and how they are found.
alter table alert
  -- What filters match on. Actions and metadata, which none looks at, are read from the entry that describes the alert.
  add column labels json not null default '{}',
  -- Its entries: the first, the one that its words, labels, actions and metadata are from, and (`last_seq`) the newest. A
  -- stale entry is the newest, and describes nothing.
  add column first_seq bigint not null default 0,
  add column described_seq bigint not null default 0,
  -- Who last changed the status, when a person did, and when.
  add column actor text,
  add column acted_at timestamptz(3),
  -- By bytes, like whatever else is compared in an index.
  alter column status type text collate "C",
  alter column severity type text collate "C";

-- An owner that is no superuser is bound by row-level security too, but for these statements.
alter table alert no force row level security;
alter table event no force row level security;
update alert a set described_seq = a.last_seq, last_seq = newest.seq, first_seq = newest.first_seq, labels = e.labels
from (select tenant_id, alert_id, min(seq) as first_seq, max(seq) as seq from event group by tenant_id, alert_id) newest, event e
where newest.tenant_id = a.tenant_id and newest.alert_id = a.alert_id and e.tenant_id = a.tenant_id and e.seq = a.last_seq;
alter table alert force row level security;
alter table event force row level security;
alter table alert
  alter column labels drop default,
  alter column first_seq drop default,
  alter column described_seq drop default;

-- The one index of all lists: a tenant's alerts of one status and one severity stand in the order of time, and what else is
-- filtered by is read without the table. Row-level security lets an index be searched by leakproof operators alone: `=`, `<`
-- and `>` of text, time and uuid are, ILIKE and those of json are not.
create index alert_search on alert (tenant_id, status, severity, first_seen_at, alert_id) include (type, service, name, assignee);
-- An index alone answers for pages that vacuum has seen, so it comes after 2 % rather than after a fifth of the table.
alter table alert set (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05);

-- An alert's history but for its first entry, which the alert itself names: most alerts have no other, and cost nothing here.
create index event_of_alert on event (tenant_id, alert_id, seq) where previous_status is not null;

grant select on alert to tocsin_gateway;
