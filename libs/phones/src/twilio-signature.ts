import { validateRequest } from 'twilio/lib/webhooks/webhooks';

/** The head field in which Twilio signs a callback. */
export const TWILIO_SIGNATURE = 'x-twilio-signature';

/**
 * Whether Twilio has signed this form for this address. Twilio signs the whole address that it calls, query included,
 * with and without the default port; no other port is taken for it. A field that stands twice in the form makes it
 * unsigned, since the library would check one of them and the caller could use the other one.
 */
export function isSignedByTwilio(authToken: string, signature: string, url: string, form: URLSearchParams): boolean {
  const fields = Object.fromEntries(form);
  if (Object.keys(fields).length !== [...form].length) return false;
  return validateRequest(authToken, signature, url, fields);
}
