import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Headers of one connection, which mean nothing on the next one (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
/** A cookie of the gateway: it stands for the tokens of a user and is meant for no other service. */
const OUR_COOKIE = /^(__Host-)?tocsin_/;

/** Removes the headers of one connection, and those that its `Connection` header names. Changes `headers`. */
export function removeHopByHop(headers: IncomingHttpHeaders): void {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  for (const name of [...HOP_BY_HOP, ...named]) if (name) delete headers[name];
}

/**
 * The headers with which a request goes on. The service learns the client's address, the host and the scheme in
 * `X-Forwarded-*`; what a client itself says there counts only behind trusted proxies.
 */
export function forwardedHeaders(request: IncomingMessage, target: URL, trustedProxies: number): IncomingHttpHeaders {
  const headers = { ...request.headers };
  // a body without a length is sent on in chunks, as it came
  const isChunked = headers['transfer-encoding'] !== undefined;
  removeHopByHop(headers);
  if (isChunked) headers['transfer-encoding'] = 'chunked';
  delete headers.expect;
  delete headers.forwarded;
  const isTrusted = trustedProxies > 0;
  const address = request.socket.remoteAddress ?? 'unknown';
  const before = isTrusted ? request.headers['x-forwarded-for'] : undefined;
  headers['x-forwarded-for'] = before ? `${String(before)}, ${address}` : address;
  headers['x-forwarded-proto'] = (isTrusted && request.headers['x-forwarded-proto']) || 'http';
  headers['x-forwarded-host'] =
    (isTrusted && request.headers['x-forwarded-host']) || request.headers.host || target.host;
  headers.host = target.host;
  const cookies = (headers.cookie ?? '').split(/;\s*/).filter((cookie) => cookie && !OUR_COOKIE.test(cookie));
  if (cookies.length > 0) headers.cookie = cookies.join('; ');
  else delete headers.cookie;
  return headers;
}
