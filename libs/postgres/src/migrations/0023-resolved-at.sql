-- `resolved_at`: when an alert was resolved, by a user or a message; null while it is not. `reopened_at`: when it was last
-- opened again; null: never. 0029 sets them for what was stored before, without blocking those who store alerts.
alter table alert
  add column resolved_at timestamptz(3),
  add column reopened_at timestamptz(3);
