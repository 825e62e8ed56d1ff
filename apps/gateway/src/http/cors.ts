/** Who may call from a page of another address; a list of origins, or `*` in it for any, without credentials. */
export type Origins = readonly string[];

/**
 * What is wrong with an origin that pages may call from; undefined for one that a browser could send. `*` is any. "null" is
 * every sandboxed frame and every file on a disk, and the comparison knows no wildcard: neither would say what it seems to.
 */
export function originFault(origin: string): string | undefined {
  if (origin === '*') return undefined;
  if (origin === 'null') return '"null" is the origin of every sandboxed frame and local file, and so of anybody';
  if (origin.includes('*')) return 'a part of an origin cannot be *: each is named, or * alone stands for any';
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/[^/?#@\s]+$/.exec(origin)?.[1];
  // a page from a disk is "null"; other schemes, such as an app's own, have no canonical form to compare with
  if (!scheme || scheme === 'file' || !URL.canParse(origin)) return 'an origin is scheme://host[:port], without a path';
  const isAsWritten = !/^https?$/.test(scheme) || new URL(origin).origin === origin;
  return isAsWritten ? undefined : 'a browser writes an origin in lower case, in ASCII and without the default port';
}

const EXPOSED = ['Retry-After', 'Preference-Applied', 'Tocsin-Refused', 'Tocsin-Cursor'];

/** For what Express answers. */
export function corsOptions(origins: Origins) {
  const anyOrigin = origins.includes('*');
  return {
    origin: anyOrigin ? '*' : [...origins],
    credentials: !anyOrigin,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Cache-Control', 'Last-Event-ID', 'Prefer', 'traceparent'],
    exposedHeaders: EXPOSED,
    maxAge: 600,
  };
}

/** For what is written past Express: whole header lines, the same and in the same order. A GET has no others. */
export function corsFields(origins: Origins, origin: string | undefined): string {
  const exposed = `Access-Control-Expose-Headers: ${EXPOSED.join(',')}\r\n`;
  if (origins.includes('*')) return `Access-Control-Allow-Origin: *\r\n${exposed}`;
  const allowed = origin !== undefined && origins.includes(origin) ? `Access-Control-Allow-Origin: ${origin}\r\n` : '';
  return `${allowed}Vary: Origin\r\nAccess-Control-Allow-Credentials: true\r\n${exposed}`;
}
