import { ref, text } from '../docs/json-schema';
import { BODY_PROBLEMS, pathParameter, TENANT_PROBLEMS, type Parameter, type Paths } from '../docs/operation';
import { parametersIn, schemaOf } from '../docs/request-schema';
import { NotificationBody, NotificationsQuery } from './notification-body';

const shared = { tag: 'notifications', access: [] } as const;
const id = pathParameter('id', text(undefined, { format: 'uuid' }), 'The id of the notification.');
const KEY: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: "The sender's own key: the same body under the same key gives the same notification.",
  schema: text(undefined, { pattern: '^[\\x21-\\x7e]{1,255}$' }),
};
const WHO =
  'A service (events:publish) reaches what it has asked for itself; a user those of the tenants of the user (alerts:read), and acts where the role allows it (alerts:write).';

export const NOTIFICATION_PATHS: Paths = {
  '/api/v1/notifications': {
    post: {
      ...shared,
      id: 'createNotification',
      summary: 'Ask for a notification',
      description: `Now, at an instant, at a local time, some days before a date, or as part of a digest. It is on record when the answer comes; sending it is apart from that. ${WHO}`,
      parameters: [KEY],
      body: { description: 'What is said, to whom and when.', required: true, schema: schemaOf(NotificationBody) },
      answers: { 201: { description: 'It is on record.', schema: ref('Notification') } },
      problems: [
        ...BODY_PROBLEMS,
        ...TENANT_PROBLEMS,
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
      ],
    },
    get: {
      ...shared,
      id: 'listNotifications',
      summary: 'List notifications, the newest first',
      description: `${WHO} A service names a tenant.`,
      parameters: parametersIn(NotificationsQuery),
      answers: { 200: { description: 'A page of them.', schema: ref('NotificationPage') } },
      problems: ['invalid_parameter', 'invalid_cursor', 'too_many_tenants', ...TENANT_PROBLEMS],
    },
  },
  '/api/v1/notifications/{id}': {
    get: {
      ...shared,
      id: 'showNotification',
      summary: 'Show a notification with its deliveries and their attempts',
      parameters: [id],
      answers: { 200: { description: 'The notification.', schema: ref('NotificationDetail') } },
      problems: ['not_found', ...TENANT_PROBLEMS],
    },
    delete: {
      ...shared,
      id: 'cancelNotification',
      summary: 'Cancel a notification',
      description:
        'What was not begun is not sent any more once this is answered. The answer counts what was sent and what is under way. Repeating it changes nothing.',
      parameters: [id],
      answers: { 200: { description: 'The notification as it is now.', schema: ref('CancelledNotification') } },
      problems: ['not_found', 'role_forbidden', ...TENANT_PROBLEMS],
    },
  },
};
