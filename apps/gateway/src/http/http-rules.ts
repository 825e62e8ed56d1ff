import { Refused } from '@tocsin/contracts';
import type { NextFunction, Request, Response } from 'express';

/**
 * Refuses a request with two `Host` headers with 400 (RFC 9112, section 3.2): a proxy may have used one of them and the
 * gateway the other. node:http silently keeps the first. The stream door leaves every request with a repeated header to
 * node:http, so this is the only place that checks.
 */
export function refuseSecondHost({ rawHeaders }: Request, response: Response, next: NextFunction): void {
  const hosts = rawHeaders.filter(
    (name, index) => index % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host',
  ).length;
  if (hosts <= 1) return next();
  // Further bytes on this connection may have been meant for another reader.
  response.set('Connection', 'close');
  next(new Refused('invalid_request', 'A request has one Host field.'));
}

/**
 * Default headers of every response, unless its route sets others: it must not be cached, and its content type must not
 * be guessed.
 */
export const ANSWER_FIELDS = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
] as const;

/** Sets the default headers on every response before its route runs. */
export function setAnswerFields(_request: Request, response: Response, next: NextFunction): void {
  for (const [name, value] of ANSWER_FIELDS) response.setHeader(name, value);
  next();
}
