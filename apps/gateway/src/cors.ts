/** Who may call from a page of another address; a list of origins, or `*` in it for any, without credentials. */
export type Origins = readonly string[];

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
