import { Refused } from '@tocsin/contracts';
import type { IncomingMessage } from 'node:http';

/** Where else a credential may stand in an address, on the routes that take it there. */
const QUERY_CREDENTIALS = ['token', 'ticket', 'access_token'];

type Request = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'url'>;

/**
 * The token of the `Authorization` header; undefined without one. Throws `Refused` (`invalid_request`) for a header that is
 * not `Bearer <token>`, and for more than one credential: of two, nobody can say which was meant (RFC 6750, section 2).
 */
export function bearerToken(request: Request): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const [, token] = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization) ?? [];
  if (!token) throw new Refused('invalid_request', 'The Authorization header must be "Bearer <token>".');
  // Node keeps only the first of several, so they are counted where it keeps them all.
  const given = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization').length;
  const query = new URLSearchParams(request.url?.split('?', 2)[1]);
  if (given > 1 || QUERY_CREDENTIALS.some((name) => query.has(name))) {
    throw new Refused('invalid_request', 'Only one credential may be given.');
  }
  return token;
}
