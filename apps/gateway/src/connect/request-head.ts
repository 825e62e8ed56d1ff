import type { IncomingHttpHeaders } from 'node:http';
import { patternOf } from '../http/base-path';

/** The head of a request for a stream, with the parts of node:http's request that the gateway reads. */
export interface RequestHead {
  url: string;
  /** Only the headers that the gateway reads, unless the reader was told to keep all. */
  headers: IncomingHttpHeaders;
  /** Always empty: a request with a repeated header is left to node:http. */
  rawHeaders: string[];
  /** Whole header lines that the operator's function adds to the answer. */
  addedFields?: string;
}

/** node:http accepts 16 KiB. Heads close to that size are left to it. */
const MAX_HEAD_BYTES = 15 * 1024;
const MAX_FIELDS = 64;
const END = '\r\n\r\n';
const URL_AT = 'GET '.length;
const NAME = String.raw`[!#$%&'*+\-.^_\x60|~0-9A-Za-z]+`;
/** The headers that are read to open a stream. */
const READ = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'cookie',
  'last-event-id',
  'origin',
  'x-forwarded-for',
]);
/** Headers that announce a body, another protocol or an interim response. Requests with them are left to node:http. */
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

/** Reads the heads of plain requests for the stream of one gateway, whose base path its address begins with. */
export class HeadReader {
  private readonly start: string;
  private readonly plain: RegExp;
  /** The same, but the last line may be incomplete. */
  private readonly plainPart: RegExp;

  constructor(
    basePath = '',
    private readonly keepsAll = false,
  ) {
    this.start = `GET ${basePath}/api/events`;
    // A plain request has an address without a fragment and ASCII headers, each on one line that ends in CRLF.
    const address = String.raw`GET (${patternOf(basePath)}/api/events/?(?:\?[!"$-~]*)?)`;
    const lines = String.raw`${address} HTTP/1\.1\r\n(?:${NAME}:[\t -~]*\r\n)*`;
    this.plain = new RegExp(`^${lines}\r\n$`);
    this.plainPart = new RegExp(`^(?:${lines}(?:\r|${NAME}(?::[\\t -~]*\r?)?)?|${address}(?: [HTP/1.]{0,8}\r?)?)$`);
  }

  /**
   * Whether the bytes may be the beginning of a plain request. Bytes that are already wrong are recognised at once,
   * without waiting for more.
   */
  mayBecomeHead(bytes: Buffer): boolean {
    if (bytes.length > MAX_HEAD_BYTES || bytes.includes(END)) return false;
    const text = bytes.toString('latin1');
    return this.start.startsWith(text) || this.plainPart.test(text);
  }

  /**
   * Reads a complete, plain request for a stream: without a body and with no bytes after it. Returns undefined for
   * everything else, which node:http then judges: this parser knows one kind of request and reports no errors.
   */
  read(bytes: Buffer): RequestHead | undefined {
    if (bytes.length > MAX_HEAD_BYTES) return undefined;
    const text = bytes.toString('latin1');
    if (!text.startsWith(this.start) || text.indexOf(END) !== text.length - END.length) return undefined;
    const url = this.plain.exec(text)?.[1];
    return url === undefined ? undefined : withHeaders(url, text, bytes, this.keepsAll);
  }
}

function withHeaders(url: string, text: string, bytes: Buffer, keepsAll: boolean): RequestHead | undefined {
  const headers: IncomingHttpHeaders = {};
  const names = new Set<string>();
  // From after the request line to the empty line.
  let at = text.indexOf('\r\n') + 2;
  while (at < text.length - 2) {
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r\n', colon);
    const name = text.slice(at, colon).toLowerCase();
    if (UNUSUAL.has(name) || names.has(name) || names.size === MAX_FIELDS) return undefined;
    names.add(name);
    // Copied from the bytes and not from the text: a substring would keep the whole text in memory.
    if (keepsAll || READ.has(name)) headers[name] = bytes.toString('latin1', colon + 1, end).trim();
    if (name === 'connection' && !PLAIN_CONNECTION.test(text.slice(colon + 1, end).trim())) return undefined;
    at = end + 2;
  }
  return names.has('host')
    ? { url: bytes.toString('latin1', URL_AT, URL_AT + url.length), headers, rawHeaders: [] }
    : undefined;
}
