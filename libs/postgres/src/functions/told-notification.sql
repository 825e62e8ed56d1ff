-- What a delivery says that belongs to a notification, as `NotificationContent` of the contracts. Null: the notification was
-- cancelled, and so is the delivery. There are no notifications yet.
create or replace function told_notification(of_tenant text, of_notification uuid)
returns json
language sql stable security invoker
set search_path = tocsin, pg_temp
as $$
  select null::json
$$;

alter function told_notification owner to tocsin_definer;
revoke all on function told_notification from public;
