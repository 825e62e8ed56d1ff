-- Retention finds the notifications that ended long ago. Many of them may be planned long before they end, so the time of
-- their creation does not tell.
-- once
create index concurrently if not exists notification_ended on tocsin.notification (tenant_id, ended_at)
  where ended_at is not null;
