import type { DeliveryReason, ProviderStatus } from '@tocsin/contracts/wire';

/**
 * The reasons for which Twilio does not send a message, by its error codes (https://www.twilio.com/docs/api/errors).
 * Codes 2xxxx come with the answer to our request, and codes 3xxxx and 63xxx mostly with a later report. Any other code
 * means `rejected`, and Twilio's own text is on record.
 */
const REASONS: Readonly<Record<number, DeliveryReason>> = {
  // our account is at fault, and not the message
  20003: 'unauthorized', // the credentials are wrong
  20005: 'unauthorized', // the account is not active
  20404: 'unauthorized', // there is no such account
  // too many messages at once
  20429: 'rate_limited',
  21611: 'rate_limited', // too many messages of this sender wait
  63018: 'rate_limited',
  // this number cannot be reached
  21211: 'invalid_recipient', // it is no phone number
  21214: 'invalid_recipient', // it cannot be reached
  21217: 'invalid_recipient', // it is no phone number
  21265: 'invalid_recipient', // it is a short code
  21407: 'invalid_recipient', // this kind of number does not take SMS
  21421: 'invalid_recipient',
  21612: 'invalid_recipient', // no way from our number to this one
  21614: 'invalid_recipient', // it is no mobile number
  21635: 'invalid_recipient', // it is a landline
  30003: 'invalid_recipient', // the handset cannot be reached
  30005: 'invalid_recipient', // the number does not exist
  30006: 'invalid_recipient', // it is a landline, or its carrier cannot be reached
  63003: 'invalid_recipient', // WhatsApp does not know the number
  63024: 'invalid_recipient',
  // the person wants no messages
  21610: 'unsubscribed', // they have replied STOP
  63033: 'unsubscribed', // they have blocked our number
  // the carrier
  30001: 'rate_limited',
  30008: 'provider_error', // the carrier did not say why
  30009: 'provider_error',
};

export const twilioReasonOf = (code: number): DeliveryReason => REASONS[code] ?? 'rejected';

/** Twilio's final and intermediate statuses of a message. Those that only say that it waits are not listed. */
const STATUSES: Readonly<Record<string, ProviderStatus>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  undelivered: 'undelivered',
  failed: 'undelivered',
  canceled: 'undelivered',
};

/** The status in a report. Undefined when the message still waits (`queued`, `sending` …). */
export const twilioStatusOf = (word: string): ProviderStatus | undefined =>
  Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined;
