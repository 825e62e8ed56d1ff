/** Origins of other pages that may call; `*` in the list allows any origin, without credentials. */
export type Origins = readonly string[];

/**
 * Explains why an origin cannot be allowed; undefined for `*` (any) and for an origin that a browser could send. "null"
 * is the origin of every sandboxed frame and every local file, and the comparison supports no wildcard within an
 * origin: neither would mean what it seems to.
 */
export function originFault(origin: string): string | undefined {
  if (origin === '*') return undefined;
  if (origin === 'null') return '"null" is the origin of every sandboxed frame and local file, so any page can have it';
  if (origin.includes('*')) return 'a part of an origin cannot be *: each is named, or * alone stands for any';
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/[^/?#@\s]+$/.exec(origin)?.[1];
  // A page from a local file has the origin "null". Other schemes, such as an app's own, have no canonical form to
  // compare with.
  if (!scheme || scheme === 'file' || !URL.canParse(origin)) return 'an origin is scheme://host[:port], without a path';
  const isAsWritten = !/^https?$/.test(scheme) || new URL(origin).origin === origin;
  return isAsWritten ? undefined : 'a browser writes an origin in lower case, in ASCII and without the default port';
}

/** What a page may send beside the headers that every page may: what the OpenAPI document names, and a credential. */
const ALLOWED = [
  'Authorization',
  'Content-Type',
  'Cache-Control',
  'Last-Event-ID',
  'Prefer',
  'Idempotency-Key',
  'If-Match',
  'traceparent',
];
/** What a page may read beside the headers that every page may. */
const EXPOSED = [
  'ETag',
  'Location',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'Preference-Applied',
  'Tocsin-Refused',
  'Tocsin-Cursor',
];
const EXPOSED_FIELD = `Access-Control-Expose-Headers: ${EXPOSED.join(',')}\r\n`;

/** CORS options for the responses that Express sends. */
export function corsOptions(origins: Origins) {
  const anyOrigin = origins.includes('*');
  return {
    origin: anyOrigin ? '*' : [...origins],
    credentials: !anyOrigin,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ALLOWED,
    exposedHeaders: EXPOSED,
    maxAge: 600,
  };
}

/**
 * CORS headers for responses that bypass Express: whole header lines, the same and in the same order. A GET needs no
 * others.
 */
export function corsFields(origins: Origins, origin: string | undefined): string {
  if (origins.includes('*')) return `Access-Control-Allow-Origin: *\r\n${EXPOSED_FIELD}`;
  const allowed = origin !== undefined && origins.includes(origin) ? `Access-Control-Allow-Origin: ${origin}\r\n` : '';
  return `${allowed}Vary: Origin\r\nAccess-Control-Allow-Credentials: true\r\n${EXPOSED_FIELD}`;
}
