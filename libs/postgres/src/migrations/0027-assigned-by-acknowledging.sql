-- Whether the acknowledgement of an alert also assigned it: then taking the acknowledgement back removes the assignee,
-- who was nobody before. A column with a constant default rewrites no row.
alter table alert add column assigned_by_acknowledging boolean not null default false;
