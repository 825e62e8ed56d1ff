import type { IncomingHttpHeaders } from 'node:http';
import { isIP, isIPv4 } from 'node:net';

interface AddressedRequest {
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
}

/**
 * The client's address as the limits count it: an IPv4 address, or the /64 of an IPv6 address, which usually belongs to
 * one household or machine. `X-Forwarded-For` is trusted for exactly `trustedProxies` hops: each proxy appends the
 * address that connected to it, so entries further left are the client's own invention. With a shorter list the request
 * did not pass all proxies, and the socket's address counts; it also counts when an entry is not an address. `unknown`
 * when the socket is closed.
 */
export function clientAddress({ headers, socket }: AddressedRequest, trustedProxies: number): string {
  const direct = networkOf(socket.remoteAddress ?? '') ?? 'unknown';
  if (trustedProxies === 0) return direct;
  const header = headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',');
  return networkOf(withoutPort(hops.at(-trustedProxies)?.trim() ?? '')) ?? direct;
}

/** Removes the port, which some proxies add: `192.0.2.1:5678`, `[2001:db8::1]:5678`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}

function networkOf(address: string): string | undefined {
  if (isIPv4(address)) return address;
  if (isIP(address) === 0) return undefined;
  // The fast path: a socket that listens on IPv4 and IPv6 reports nearly all clients like this.
  if (address.startsWith('::ffff:') && isIPv4(address.slice(7))) return address.slice(7);
  const groups = groupsOf(address.split('%', 1)[0]!);
  const [high, low] = [groups[6]!, groups[7]!];
  // An IPv4 client of a socket that listens on both.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [before = [], after = []] = address.split('::').map(partsOf);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** The groups of a part; a group in dotted notation counts as two. */
function partsOf(part: string): number[] {
  return part
    .split(':')
    .filter(Boolean)
    .flatMap((group) => {
      if (!isIPv4(group)) return [parseInt(group, 16)];
      const [a, b, c, d] = group.split('.').map(Number);
      return [a! * 256 + b!, c! * 256 + d!];
    });
}
