-- A notification as it is shown: the fields of `Notification` in the wire types, and no others.
create view shown_notification with (security_invoker = true) as
select n.notification_id, n.tenant_id, n.title, n.message, n.severity, n.status, n.channels, n.recipients, n.due_at,
  n.asked_for, case when n.digest_key is not null
  then json_build_object('key', n.digest_key, 'every_seconds', n.digest_every) end as digest, n.digest_of, n.digest_id,
  n.created_at, n.created_by, n.started_at, n.ended_at, n.ended_by
from notification n;

grant select on shown_notification to tocsin_definer;
