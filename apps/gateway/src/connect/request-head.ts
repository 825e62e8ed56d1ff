import type { IncomingHttpHeaders } from 'node:http';

/** A request for a stream as it came: what node:http would say of it, as far as anybody asks. */
export interface RequestHead {
  url: string;
  /** Those that something here reads. */
  headers: IncomingHttpHeaders;
  /** Empty: a request with a repeated field is no plain one. */
  rawHeaders: string[];
}

/** node:http takes 16 KiB. What comes near it is left to it. */
export const MAX_HEAD_BYTES = 15 * 1024;
const MAX_FIELDS = 64;
const END = '\r\n\r\n';
const START = 'GET /api/events';
const URL_AT = START.indexOf('/');
/** A plain request has an address without a fragment, and fields of ASCII, each on one line that ends in CRLF. */
const ADDRESS = String.raw`GET (/api/events/?(?:\?[!"$-~]*)?)`;
const NAME = String.raw`[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+`;
const LINES = String.raw`${ADDRESS} HTTP/1\.1\r\n(?:${NAME}:[\t -~]*\r\n)*`;
const PLAIN = new RegExp(`^${LINES}\r\n$`);
/** The same up to the beginning of a line that more may be added to. */
const PLAIN_PART = new RegExp(`^(?:${LINES}(?:\r|${NAME}(?::[\\t -~]*\r?)?)?|${ADDRESS}(?: [HTP/1.]{0,8}\r?)?)$`);
/** What a stream's opening reads of a request. */
const READ = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'cookie',
  'last-event-id',
  'origin',
  'x-forwarded-for',
]);
/** A body, another protocol, or an answer before the answer. */
const UNUSUAL = new Set([
  'content-length',
  'transfer-encoding',
  'upgrade',
  'expect',
  'trailer',
  'te',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
]);
const PLAIN_CONNECTION = /^(?:keep-alive|close)?$/i;

/** Whether bytes are the beginning of a plain request: what is wrong already is judged at once, and not when more of it comes. */
export function mayBecomeHead(bytes: Buffer): boolean {
  if (bytes.length > MAX_HEAD_BYTES || bytes.includes(END)) return false;
  const text = bytes.toString('latin1');
  return START.startsWith(text) || PLAIN_PART.test(text);
}

/**
 * Reads a request for a stream that is complete, has no body and nothing behind it, and is in no way unusual. Everything
 * else is undefined, and for node:http to judge: this knows one kind of request, and no kind of error.
 */
export function readRequestHead(bytes: Buffer): RequestHead | undefined {
  if (bytes.length > MAX_HEAD_BYTES) return undefined;
  const text = bytes.toString('latin1');
  if (!text.startsWith(START) || text.indexOf(END) !== text.length - END.length) return undefined;
  const url = PLAIN.exec(text)?.[1];
  if (url === undefined) return undefined;

  const headers: IncomingHttpHeaders = {};
  const names = new Set<string>();
  // behind the request line, up to the empty one
  let at = text.indexOf('\r\n') + 2;
  while (at < text.length - 2) {
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r\n', colon);
    const name = text.slice(at, colon).toLowerCase();
    if (UNUSUAL.has(name) || names.has(name) || names.size === MAX_FIELDS) return undefined;
    names.add(name);
    // of bytes, not of the text: a part of a string keeps the whole of it in memory
    if (READ.has(name)) headers[name] = bytes.toString('latin1', colon + 1, end).trim();
    else if (name === 'connection' && !PLAIN_CONNECTION.test(text.slice(colon + 1, end).trim())) return undefined;
    at = end + 2;
  }
  return names.has('host')
    ? { url: bytes.toString('latin1', URL_AT, URL_AT + url.length), headers, rawHeaders: [] }
    : undefined;
}
