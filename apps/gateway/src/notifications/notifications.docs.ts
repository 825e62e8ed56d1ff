import { applyDecorators } from '@nestjs/common';
import { ref, text } from '../description/json-schema';
import {
  Answer,
  ApiOperation,
  HeaderParameter,
  Needs,
  PathParameter,
  Problems,
  TENANT_PROBLEMS,
} from '../description/operation.docs';

const WHO =
  'A service (events:publish) may read and cancel only its own notifications. A user may read those of the ' +
  'tenants of the user (alerts:read), and may act where the role allows it (alerts:write).';
const notificationId = PathParameter('id', text(undefined, { format: 'uuid' }), 'The id of the notification.');

/** `KeepNotifications` compares the scopes, because a service needs another scope than a user. */
export const notifications = applyDecorators(Needs(), Problems(...TENANT_PROBLEMS));

export const createNotification = applyDecorators(
  ApiOperation({
    summary: 'Ask for a notification',
    description:
      'It is sent now, at an instant, at a local time, some days before a date, or as part of a digest. It is stored ' +
      `before the answer, and sent afterwards. ${WHO}`,
  }),
  HeaderParameter(
    'Idempotency-Key',
    text(undefined, { pattern: '^[\\x21-\\x7e]{1,255}$' }),
    "The sender's own key: the same body under the same key gives the same notification.",
  ),
  Answer(201, 'It is on record.', ref('Notification')),
  Problems(
    'role_forbidden',
    'empty_batch',
    'too_many_recipients',
    'invalid_recipient',
    'idempotency_conflict',
    'unknown_time_zone',
    'ambiguous_time_zone',
    'time_does_not_exist',
    'time_in_past',
    'time_too_far',
  ),
);

export const listNotifications = applyDecorators(
  ApiOperation({
    summary: 'List notifications, the newest first',
    description: `${WHO} A service names a tenant.`,
  }),
  Answer(200, 'A page of them.', ref('NotificationPage')),
  Problems('invalid_cursor', 'too_many_tenants'),
);

export const showNotification = applyDecorators(
  ApiOperation({ summary: 'Show a notification with its deliveries and their attempts' }),
  notificationId,
  Answer(200, 'The notification.', ref('NotificationDetail')),
  Problems('not_found'),
);

export const cancelNotification = applyDecorators(
  ApiOperation({
    summary: 'Cancel a notification',
    description:
      'After the answer, no new attempt begins. The answer counts the deliveries that were sent and those that ' +
      'are under way. Repeating it changes nothing.',
  }),
  notificationId,
  Answer(200, 'The notification as it is now.', ref('CancelledNotification')),
  Problems('not_found', 'role_forbidden'),
);
