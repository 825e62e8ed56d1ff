import type { NextFunction, Request, Response } from 'express';

/** Who may be told that it may deliver here: names as in `WebHook-Request-Origin`, or `*` in it for whoever asks. */
type WebhookOrigins = readonly string[];

/**
 * The handshake of CloudEvents' HTTP webhooks: before a system delivers events to an address that a user of it has named, it
 * asks there by OPTIONS whether they are wanted. Answered for origins that are configured; whatever else comes by OPTIONS goes
 * on to CORS, whose answer grants no delivery. It gives no right: each delivery brings its token.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md
 */
export function webhookHandshake(origins: WebhookOrigins) {
  const known = new Set(origins.map((origin) => origin.toLowerCase()));
  return (request: Request, response: Response, next: NextFunction): void => {
    const origin = request.get('WebHook-Request-Origin');
    if (request.method !== 'OPTIONS' || !origin || !(known.has('*') || known.has(origin.toLowerCase()))) return next();
    response.status(200).set({
      Allow: 'POST',
      'WebHook-Allowed-Origin': origin,
      // nothing here limits a publisher's rate: what is asked for is granted
      'WebHook-Allowed-Rate': rateOf(request.get('WebHook-Request-Rate')),
      'Cache-Control': 'no-store',
    });
    response.end();
  };
}

/** A positive whole number of requests a minute; without one, any rate. */
const rateOf = (asked: string | undefined): string =>
  asked !== undefined && /^[1-9]\d{0,8}$/.test(asked.trim()) ? asked.trim() : '*';
