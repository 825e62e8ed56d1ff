-- The state of an alert is its producer's newest word, whatever order its messages are stored in.
alter table alert
  -- The newest time that its producer has named in a message about it, folded ones included; null: none has been named.
  -- A message that names an older one is stale.
  alter column state_at drop not null,
  -- Which words its messages have said at all, as bits (`evolve_alert` names them). Null for rows of before: all of them.
  add column said smallint,
  -- When the severity, and each of the words, was said last, where that is not `state_at`.
  add column severity_at timestamptz(3),
  add column said_at timestamptz(3)[],
  -- What the `actor` did.
  add column acted text;

-- What filters asked about the alert before the entry, where that differs: an empty name stands for none.
alter table event
  add column previous_type text,
  add column previous_name text,
  add column previous_labels json;

-- Columns of fixed length first: a field behind none of the others is found at once.
drop type alert_state cascade;
create type alert_state as (
  alert_id uuid,
  state_at timestamptz,
  severity_at timestamptz,
  first_seen_at timestamptz,
  last_seen_at timestamptz,
  snoozed_until timestamptz,
  window_ends_at timestamptz,
  acted_at timestamptz,
  occurrences integer,
  window_repeats integer,
  -- Repeats that no entry has told of yet, and how many the entry of this message tells of.
  folded integer,
  told integer,
  said integer,
  -- The place in the batch of the alert's newest entry; null: it was there before.
  newest integer,
  -- Whether the entry of this message describes the alert anew, and whether in other words than the message's own.
  describes boolean,
  carries boolean,
  change text,
  status text,
  severity text,
  previous_status text,
  previous_severity text,
  assignee text,
  actor text,
  acted text,
  said_at timestamptz[],
  type text,
  name text,
  title text,
  message text,
  labels json,
  actions json,
  metadata json,
  -- What the alert's newest entry says of it, and what the one before this message's said where that differs.
  shown_type text,
  shown_name text,
  shown_labels json,
  previous_type text,
  previous_name text,
  previous_labels json
);
