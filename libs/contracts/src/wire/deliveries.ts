import type { Severity } from './alert-values';

/** The channels on which a delivery can reach a recipient. */
export const CHANNELS = ['email', 'sms', 'whatsapp', 'webhook', 'push'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What became of a delivery. All but `pending` are final, until an operator redrives the delivery. */
export const DELIVERY_STATUSES = [
  'pending', // it waits for its time, its turn or its next attempt, or an attempt is under way
  'sent', // the provider has accepted it
  'failed', // refused for good, or given up after the last attempt
  'expired', // it became too old for its channel before it could be sent
  'cancelled', // the alert was acknowledged or resolved first, or the notification was cancelled
  'unknown', // the provider may have sent it, and sending it again could send it twice
  'superseded', // it was planned by a release that had no notifier
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** How an attempt ended. */
export const ATTEMPT_OUTCOMES = ['sent', 'retry', 'failed', 'unknown'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/**
 * Why an attempt or a delivery did not end with `sent`. The list is closed; the provider's own words are in `answer`.
 */
export const DELIVERY_REASONS = [
  'timeout', // no complete answer in time
  'connection_failed', // no connection, or it broke before anything could be accepted
  'connection_lost', // it broke when the provider may have accepted the message already
  'rate_limited', // the provider asks to send later
  'provider_error', // the provider's own fault (5xx)
  'rejected', // the provider refuses this message for good
  'unauthorized', // the provider does not accept our credentials
  'invalid_recipient', // the recipient does not exist or cannot be reached over this channel
  'gone', // the recipient has left for good (410)
  'blocked_address', // the address leads into a private network
  'redirected', // the address redirects, and redirects are not followed
  'answer_too_large', // the answer exceeds its limit
  'not_configured', // the channel has no provider, or the headers of the webhook are sealed with another key
  'template_failed', // the text could not be made
  'unsubscribed', // the recipient wants no more messages
  'endpoint_disabled', // the webhook failed for days and is switched off
  'worker_lost', // the notifier died or was suspended during the attempt
  'too_old', // it is older than its channel allows
  'alert_over', // the alert was acknowledged or resolved
  'by_request', // a user cancelled it
] as const;
export type DeliveryReason = (typeof DELIVERY_REASONS)[number];

/**
 * What the provider of phone messages reports after it has accepted a message. A later word of this list is not taken
 * back by an earlier one, in whichever order the reports arrive.
 */
export const PROVIDER_STATUSES = [
  'sent', // the carrier has it
  'undelivered', // it did not arrive, and will not
  'delivered', // it is on the phone
  'read', // WhatsApp only: it was opened
] as const;
export type ProviderStatus = (typeof PROVIDER_STATUSES)[number];

/** One attempt to send a delivery. It is on record before the provider is called. */
export interface DeliveryAttempt {
  /** 1, 2, 3 … */
  attempt: number;
  begun_at: string;
  /** The fields below are null while the attempt is under way. */
  ended_at: string | null;
  outcome: AttemptOutcome | null;
  reason: DeliveryReason | null;
  /** What the provider answered: its first 1,000 characters, as text. */
  answer: string | null;
  /** The provider's own id of the message. */
  provider_id: string | null;
}

/** One message to one recipient over one channel. */
export interface Delivery {
  delivery_id: string;
  tenant_id: string;
  /** The alert and the number of the entry that it tells of; null when it belongs to a notification. */
  alert_id: string | null;
  seq: number | null;
  notification_id: string | null;
  channel: Channel;
  recipient: string;
  status: DeliveryStatus;
  reason: DeliveryReason | null;
  created_at: string;
  /** When the next attempt is due; null when no attempt follows. */
  due_at: string | null;
  /** When it got its final status; null while it is pending. */
  settled_at: string | null;
  /** For SMS and WhatsApp: what the provider has reported since, its own error code, and when. Null: nothing yet. */
  provider_status: ProviderStatus | null;
  provider_code: string | null;
  provider_status_at: string | null;
  /** The oldest first. */
  attempts: DeliveryAttempt[];
}

/** A page of a tenant's deliveries, the newest first. */
export interface DeliveryPage {
  deliveries: Delivery[];
  /**
   * Asks for the next page; null: there is none. A page looks at a bounded number of deliveries, so that one with a
   * `next` may be short or empty.
   */
  next: string | null;
}

/** What became of a redrive of many deliveries. */
export interface Redriven {
  /** How many are sent again. */
  redriven: number;
  /** Continues with the rest of the same set; null: nothing is left. */
  next: string | null;
}

/**
 * Who is told of alerts whose messages name no recipients: severity → channel → addresses. A severity or channel that
 * is absent has none.
 */
export type Recipients = Partial<Record<Severity, Partial<Record<Channel, string[]>>>>;

export interface TenantRecipients {
  tenant_id: string;
  recipients: Recipients;
}
