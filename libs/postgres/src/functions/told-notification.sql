-- The content of a notification's delivery, as `NotificationContent` of the contracts. Null when the notification was
-- cancelled; then the delivery is cancelled too.
create or replace function told_notification(of_tenant text, of_notification uuid)
returns json
language sql stable security invoker
set search_path = tocsin, pg_temp
as $$
  select json_build_object('notification_id', n.notification_id, 'title', n.title, 'message', n.message, 'severity',
    n.severity, 'digest_of', n.digest_of)
  from notification n
  where n.tenant_id = of_tenant and n.notification_id = of_notification and n.status <> 'cancelled'
$$;

alter function told_notification owner to tocsin_definer;
revoke all on function told_notification from public;
