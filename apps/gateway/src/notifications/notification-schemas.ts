import {
  CHANNELS,
  NOTIFICATION_STATUSES,
  SEVERITIES,
  type CancelledNotification,
  type Notification,
  type NotificationDetail,
  type NotificationPage,
} from '@tocsin/contracts';
import {
  anything,
  count,
  integer,
  list,
  nullable,
  object,
  oneOf,
  ref,
  text,
  time,
  uuid,
  type Fields,
  type Schema,
} from '../description/json-schema';
import { shownAddress, tenantId } from '../description/wire-fields';

const notification: Fields<Notification> = {
  notification_id: uuid(),
  tenant_id: tenantId,
  title: text('One line for people. It is text, never HTML.'),
  message: nullable(text('Text for people. It is text, never HTML. Of a digest: the newest titles.')),
  severity: oneOf(SEVERITIES),
  status: oneOf(
    NOTIFICATION_STATUSES,
    'scheduled: it waits for its time. gathered: it is told with its digest. started: its deliveries are made. ' +
      'done: all of them are settled.',
  ),
  channels: list(oneOf(CHANNELS)),
  recipients: list(shownAddress),
  due_at: time('The instant that decides when it starts.'),
  asked_for: nullable(anything('The local time that was asked for, if any, with the version of the time zone rules.')),
  digest: nullable(
    object<NonNullable<Notification['digest']>>({ key: text(), every_seconds: integer(undefined, { minimum: 1 }) }),
  ),
  digest_of: nullable(count('In a digest: the number of its notifications.')),
  digest_id: nullable(uuid('In a notification of a digest: the digest.')),
  created_at: time(),
  created_by: text('The user or service that asked for it.'),
  started_at: nullable(time()),
  ended_at: nullable(time('When it was done or cancelled.')),
  ended_by: nullable(text('Who cancelled it; store_failed: the database refused its deliveries.')),
};

/** The schemas of notifications, alone and with their deliveries. */
export const NOTIFICATION_SCHEMAS = {
  Notification: object<Notification>(notification),
  NotificationDetail: object<NotificationDetail>({ ...notification, deliveries: list(ref('Delivery')) }),
  NotificationPage: object<NotificationPage>({
    notifications: list(ref('Notification')),
    next: nullable(text('Send it as after to get the next page; null: there is none.')),
  }),
  CancelledNotification: object<CancelledNotification>({
    ...notification,
    counts: object<CancelledNotification['counts']>(
      { cancelled: count(), sent: count(), under_way: count(), other: count() },
      { description: 'The deliveries by their result. under_way: an attempt has begun and cannot be taken back.' },
    ),
  }),
} satisfies Record<string, Schema>;
