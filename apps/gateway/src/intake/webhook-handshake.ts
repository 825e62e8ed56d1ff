import type { NextFunction, Request, Response } from 'express';

/** Origins that are told that they may deliver: names as in `WebHook-Request-Origin`, or `*` in the list for any. */
type WebhookOrigins = readonly string[];

/**
 * The handshake of CloudEvents' HTTP webhooks. Before a system delivers events to an address that one of its users has
 * named, it asks there by OPTIONS whether they are wanted. The gateway answers configured origins; every other OPTIONS
 * request goes on to CORS, whose response grants no delivery. The handshake grants no right: each delivery needs its
 * token. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md
 */
export function webhookHandshake(origins: WebhookOrigins) {
  const known = new Set(origins.map((origin) => origin.toLowerCase()));
  return (request: Request, response: Response, next: NextFunction): void => {
    const origin = request.get('WebHook-Request-Origin');
    if (request.method !== 'OPTIONS' || !origin || !(known.has('*') || known.has(origin.toLowerCase()))) return next();
    response.status(200).set({
      Allow: 'POST',
      'WebHook-Allowed-Origin': origin,
      // The gateway does not limit a publisher's rate, so it grants the requested rate.
      'WebHook-Allowed-Rate': rateOf(request.get('WebHook-Request-Rate')),
      'Cache-Control': 'no-store',
    });
    response.end();
  };
}

/** The granted rate in requests a minute: the requested one if it is a positive whole number, else any (`*`). */
const rateOf = (asked: string | undefined): string =>
  asked !== undefined && /^[1-9]\d{0,8}$/.test(asked.trim()) ? asked.trim() : '*';
