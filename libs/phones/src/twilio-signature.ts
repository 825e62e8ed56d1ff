import { validateRequest } from 'twilio/lib/webhooks/webhooks';

/** The header field with Twilio's signature of a callback. */
export const TWILIO_SIGNATURE = 'x-twilio-signature';

/**
 * Whether Twilio has signed this form for this address. Twilio signs the whole address that it calls, with its query.
 * The signature may be for the address with or without the default port, but not for another port. A form with a
 * repeated field does not count as signed, because the library would check one value and the caller could use the
 * other.
 */
export function isSignedByTwilio(authToken: string, signature: string, url: string, form: URLSearchParams): boolean {
  const fields = Object.fromEntries(form);
  if (Object.keys(fields).length !== [...form].length) return false;
  return validateRequest(authToken, signature, url, fields);
}
