import { Refused } from '@tocsin/contracts';
import type { NextFunction, Request, Response } from 'express';

/**
 * Of two `Host` fields a proxy may have gone by the one and we by the other (RFC 9112, section 3.2: 400). node:http keeps the
 * first and says nothing; the stream door leaves every request with a repeated field to it, so that this is the one place.
 */
export function refuseSecondHost({ rawHeaders }: Request, response: Response, next: NextFunction): void {
  const hosts = rawHeaders.filter(
    (name, index) => index % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host',
  ).length;
  if (hosts <= 1) return next();
  // what else comes on this connection was meant for another reader
  response.set('Connection', 'close');
  next(new Refused('invalid_request', 'A request has one Host field.'));
}

/** What an answer says unless its route knows better: it is kept by nobody, and is what it says it is. */
export const ANSWER_FIELDS = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
] as const;

/** Sets them on every answer before its route does anything. */
export function setAnswerFields(_request: Request, response: Response, next: NextFunction): void {
  for (const [name, value] of ANSWER_FIELDS) response.setHeader(name, value);
  next();
}
