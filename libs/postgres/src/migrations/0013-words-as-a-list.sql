-- The words of an alert are one list while messages are applied to it, in the order of their bits (`evolve_alert` and
-- `store_events`): a word more is an element more, and no change of this type.
drop type alert_state cascade;
-- Columns of fixed length first: a field behind none of the others is found at once.
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
  words text[],
  -- What the alert's newest entry says of it, and what the one before this message's said where that differs.
  shown text[],
  previous_type text,
  previous_name text,
  previous_labels text
);
