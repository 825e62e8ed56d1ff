import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';

/** An address leads to a place that webhooks must not reach. The message names no address of the inside. */
export class BlockedAddress extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BlockedAddress';
  }
}

/** The only block from which public IPv6 addresses are assigned. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an IP address belongs to the public internet. It judges the bytes and not the notation. An IPv6 address that
 * carries an IPv4 one (mapped, translated, NAT64, 6to4) is refused whatever it carries: no public receiver needs one.
 * What cannot be parsed is not public.
 */
export function isPublicAddress(text: string): boolean {
  // the zone of a link-local address names an interface of this machine
  if (text.includes('%') || !ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  // ipaddr.js takes 127.1 and 0x7f000001 for IPv4 as well, which only URL may read
  if (address.kind() === 'ipv4') return ipaddr.IPv4.isValidFourPartDecimal(text);
  // outside of it are ranges that ipaddr.js does not list, such as ::/96 and 100:0:0:1::/64
  return (address as ipaddr.IPv6).match(GLOBAL_UNICAST);
}

/** The longest address that is taken, in characters. */
const MAX_URL = 2_000;
const PUBLIC_PORTS = ['', '8443'];

/** Where a webhook goes, as its address says. */
export type Destination = { url: URL } | { fault: string; blocked: boolean };

/**
 * Reads the address of a webhook. `URL` has brought it into its canonical form: host names are in ASCII (IDNA), and
 * every spelling of an IPv4 address is four decimal numbers. Unless private addresses are allowed, it must be https on
 * port 443 or 8443, without an IP address as its host.
 */
export function readDestination(text: string, allowPrivate: boolean): Destination {
  const refuse = (fault: string, blocked = false): Destination => ({ fault, blocked });
  if (text.length > MAX_URL || !URL.canParse(text)) return refuse('This is not an address.');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refuse('Only https addresses are posted to.');
  if (url.username || url.password) return refuse('The address has a user or a password in it.');
  if (url.hostname.length > 253) return refuse('The host name is too long.');
  url.hash = '';
  if (allowPrivate) return { url };
  if (url.protocol !== 'https:') return refuse('Only https addresses are posted to.', true);
  if (!PUBLIC_PORTS.includes(url.port)) return refuse('Only the ports 443 and 8443 are posted to.', true);
  if (isIpLiteral(url.hostname)) return refuse('The host is an IP address and not a name.', true);
  return { url };
}

const isIpLiteral = (hostname: string): boolean => isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
