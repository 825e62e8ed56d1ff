import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { bearerToken, SessionCookies } from '@tocsin/auth';
import { Refused, TOPIC_SERVICE, type ErrorCode, type StreamFilter } from '@tocsin/contracts';
import { readInstant } from '@tocsin/messages';
import type { EntryForm } from '../frames/view';
import { badParameter, list, readEntryFilter } from '../request/entry-filter';

/** The credential of a request. */
export type Credential = { kind: 'bearer' | 'query_token' | 'ticket' | 'cookie' | 'session'; value: string };

/** Where a stream starts: at the furthest of its cursors, a number of entries before the newest, at a time, or now. */
export type Start =
  { kind: 'cursor'; texts: readonly string[] } | { kind: 'newest'; count: number } | { kind: 'time'; time: Date };

/** A request for a stream after parsing and validation; the code after the controller works with it. */
export interface StreamRequest {
  credential: Credential;
  /** The tenants that the request names; null for all of the user's. */
  tenants: readonly string[] | null;
  filter: StreamFilter;
  start: Start;
  /** `nameless` with `?event=message`, for clients that only know `onmessage`. */
  form: EntryForm;
  /**
   * Whether the client accepts `text/event-stream` by name. Then it is an EventSource, which gives up for good on any
   * status but 200.
   */
  namesEventStream: boolean;
  /** Whether the client accepts gzip. */
  acceptsGzip: boolean;
}

type RawRequest = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'url'>;

/** The most entries that `?since=N` may ask for, of each tenant. */
export const MAX_SINCE = 500;
/**
 * Reads a request for a stream. Unknown parameters are ignored, since a 400 ends an EventSource for good; known
 * parameters with invalid values are refused. `tenant_id` is an alias of `tenant`, and a cursor may have any name that
 * polyfills and other hubs use. `sessionCookie`: the name of the cookie of a session, where there are any. `topic`: the
 * topic that the address names, whose tenant and form replace those of the query. Throws `Refused` with
 * `missing_credentials`, `invalid_request`, `not_acceptable` or `invalid_parameter`.
 */
export function readStreamRequest(
  request: RawRequest,
  initialEvents: number,
  sessionCookie?: string,
  topic?: string,
): StreamRequest {
  const { headers } = request;
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const accept = header(headers, 'accept') ?? '*/*';
  const namesEventStream = /text\/event-stream/i.test(accept);
  if (!namesEventStream && !/\*\/\*|text\/\*/.test(accept))
    refuse('not_acceptable', 'This address answers with text/event-stream.');
  return {
    credential: readCredential(request, query, sessionCookie),
    ...(topic === undefined
      ? {
          tenants: list(query, 'tenant') ?? list(query, 'tenant_id'),
          filter: readEntryFilter(query),
          form: query.get('event') === 'message' ? ('nameless' as const) : ('named' as const),
        }
      : { tenants: [topic], filter: OF_TOPICS, form: 'topic' as const }),
    start: readStart(headers, query, initialEvents),
    namesEventStream,
    acceptsGzip: acceptsGzip(header(headers, 'accept-encoding') ?? ''),
  };
}

const OF_TOPICS: StreamFilter = { severity: null, type: null, service: [TOPIC_SERVICE], labels: null };

/**
 * The one credential of a request. Two credentials at once are refused (RFC 6750, section 2) instead of ignoring one.
 */
function readCredential(request: RawRequest, query: URLSearchParams, sessionCookie: string | undefined): Credential {
  const bearer = bearerToken(request);
  const found: Credential[] = [
    ...(bearer === undefined ? [] : [{ kind: 'bearer' as const, value: bearer }]),
    ...query.getAll('token').map((value) => ({ kind: 'query_token' as const, value })),
    ...query.getAll('ticket').map((value) => ({ kind: 'ticket' as const, value })),
  ];
  // A browser adds cookies to every request, so a cookie counts only when there is no other credential.
  if (found.length === 0) {
    const cookie = SessionCookies.valueOf(request, STREAM_COOKIE);
    if (cookie) return { kind: 'cookie', value: cookie };
    const session = sessionCookie && SessionCookies.valueOf(request, sessionCookie);
    if (session) return { kind: 'session', value: session };
  }
  if (found.length > 1) refuse('invalid_request', 'Send one credential, not several.');
  if (!found[0]?.value) refuse('missing_credentials', 'Send a bearer token, a ticket or a token.');
  return found[0];
}

/** The name of the stream cookie. Its prefix binds it to this host and to TLS; browsers accept it on localhost too. */
export const STREAM_COOKIE = '__Host-tocsin_stream';
export const STREAM_COOKIE_OPTIONS = {
  path: '/',
  httpOnly: true,
  secure: true,
  sameSite: 'strict',
  encode: String,
} as const;

/**
 * The parameter in which a page itself puts a cursor. A cursor under the name that a polyfill or another hub uses is
 * newer.
 */
const OWN_CURSOR = 'last_event_id';
const CURSOR = /^last[-_]?event[-_]?id$/i;

/**
 * All cursors of the request, the most trusted first. On each automatic reconnect a browser repeats its URL with an old
 * cursor, and event-source-polyfill appends the newer one to it.
 */
function cursorsIn(headers: IncomingHttpHeaders, query: URLSearchParams): string[] {
  const named = [...query].filter(([name]) => CURSOR.test(name)).reverse();
  const appended = named.filter(([name]) => name !== OWN_CURSOR).map(([, value]) => value);
  const texts = [header(headers, 'last-event-id') ?? '', ...appended, ...query.getAll(OWN_CURSOR).reverse()];
  return [...new Set(texts.filter(Boolean))];
}

function readStart(headers: IncomingHttpHeaders, query: URLSearchParams, initialEvents: number): Start {
  const texts = cursorsIn(headers, query);
  if (texts.length > 0) return { kind: 'cursor', texts };
  const since = query.get('since');
  if (!since) return { kind: 'newest', count: initialEvents };
  if (/^\d+$/.test(since)) {
    const count = Number(since);
    if (count > MAX_SINCE) badParameter('since', `At most ${MAX_SINCE} entries of each tenant can be asked for.`);
    return { kind: 'newest', count };
  }
  const instant = readInstant(since);
  if (!instant) badParameter('since', 'A number of entries or an ISO 8601 time is expected.');
  return { kind: 'time', time: new Date(instant) };
}

/**
 * Follows RFC 9110, section 12.5.3: `*` stands for any coding that is not named, and a weight of 0 refuses a coding.
 */
function acceptsGzip(acceptEncoding: string): boolean {
  const codings = acceptEncoding
    .toLowerCase()
    .split(',')
    .map((coding) => coding.split(';').map((part) => part.trim()));
  const [, ...parameters] = codings.find(([name]) => name === 'gzip' || name === 'x-gzip') ??
    codings.find(([name]) => name === '*') ?? ['', 'q=0'];
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice('q='.length) ?? '1';
  return Number(weight) > 0;
}

const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

function refuse(code: ErrorCode, detail: string): never {
  throw new Refused(code, detail);
}
