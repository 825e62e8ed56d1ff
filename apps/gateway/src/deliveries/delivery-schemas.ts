import {
  ATTEMPT_OUTCOMES,
  CHANNELS,
  DELIVERY_REASONS,
  PROVIDER_STATUSES,
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryAttempt,
  type DeliveryPage,
  type Redriven,
  type TenantRecipients,
} from '@tocsin/contracts';
import {
  count,
  integer,
  list,
  mapOf,
  nullable,
  object,
  oneOf,
  ref,
  text,
  time,
  uuid,
  type Schema,
} from '../description/json-schema';
import { shownAddress, tenantId } from '../description/wire-fields';

/** The schemas of deliveries, and of the recipients of alerts whose messages name none. */
export const DELIVERY_SCHEMAS = {
  DeliveryAttempt: object<DeliveryAttempt>(
    {
      attempt: integer('1, 2, 3 …', { minimum: 1 }),
      begun_at: time(),
      ended_at: nullable(time('Null while it is under way.')),
      outcome: nullable(oneOf(ATTEMPT_OUTCOMES)),
      reason: nullable(oneOf(DELIVERY_REASONS)),
      answer: nullable(text("The first 1,000 characters of the provider's answer, as text.")),
      provider_id: nullable(text("The provider's own id of the message.")),
    },
    { description: 'One attempt to send a delivery. It is on record before the provider is called.' },
  ),
  Delivery: object<Delivery>(
    {
      delivery_id: uuid('The same for every attempt.'),
      tenant_id: tenantId,
      alert_id: nullable(uuid()),
      seq: nullable(integer('The number of the entry that it tells of.', { minimum: 1 })),
      notification_id: nullable(uuid()),
      channel: oneOf(CHANNELS),
      recipient: shownAddress,
      status: oneOf(DELIVERY_STATUSES),
      reason: nullable(oneOf(DELIVERY_REASONS)),
      created_at: time('When it was planned, or redriven. Its age counts from here.'),
      due_at: nullable(time('When the next attempt is due; null when none follows, or one is under way.')),
      settled_at: nullable(time('When it got its final status.')),
      provider_status: nullable(oneOf(PROVIDER_STATUSES)),
      provider_code: nullable(text("The provider's own code of an error.")),
      provider_status_at: nullable(time('When the provider reported that status.')),
      attempts: list(ref('DeliveryAttempt'), { description: 'The oldest first.' }),
    },
    { description: 'One message to one recipient over one channel.' },
  ),
  DeliveryPage: object<DeliveryPage>({
    deliveries: list(ref('Delivery')),
    next: nullable(
      text('Send it as after to get the next page; null: there is none. A page with a next may be short or empty.'),
    ),
  }),
  Redriven: object<Redriven>({
    redriven: count('How many are sent again.'),
    next: nullable(text('Send it as after to go on with the rest of the same set; null: nothing is left.')),
  }),
  TenantRecipients: object<TenantRecipients>({
    tenant_id: tenantId,
    recipients: mapOf(mapOf(list(shownAddress)), 'By severity, then by channel.'),
  }),
} satisfies Record<string, Schema>;
