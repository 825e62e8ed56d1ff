import { Refused } from '@tocsin/contracts';
import type { IncomingMessage } from 'node:http';

/** The query parameters that may hold a credential, on the routes that accept one there. */
const QUERY_CREDENTIALS = ['token', 'ticket', 'access_token'];
/** Credentials of another scheme. A proxy in front has asked for them, and they mean nothing here. */
const OTHER_SCHEME = /^(?!Bearer )[!#$%&'*+\-.^_`|~0-9A-Za-z]+ +\S/i;

type Request = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'url'>;

/**
 * The token of the `Authorization` header. Undefined without the header, and when it holds another scheme's
 * credentials: a page behind a proxy with HTTP Basic sends those with every request. Throws `Refused`
 * (`invalid_request`) for a malformed Bearer header, and for more than one credential, because it is unknown which one
 * was meant (RFC 6750, section 2).
 */
export function bearerToken(request: Request): string | undefined {
  const [first, second] = authorizationsOf(request).filter((value) => !OTHER_SCHEME.test(value));
  if (first === undefined) return undefined;
  const [, token] = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(first) ?? [];
  if (!token) throw new Refused('invalid_request', 'The Authorization header must be "Bearer <token>".');
  const query = new URLSearchParams(request.url?.split('?', 2)[1]);
  if (second !== undefined || QUERY_CREDENTIALS.some((name) => query.has(name))) {
    throw new Refused('invalid_request', 'Only one credential may be given.');
  }
  return token;
}

/** All `Authorization` headers of the request. Node keeps only the first one in `headers`. */
function authorizationsOf({ headers, rawHeaders }: Request): string[] {
  const raw = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === 'authorization',
  );
  if (raw.length > 0) return raw;
  return headers.authorization === undefined ? [] : [headers.authorization];
}
