import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';
import { MAX_ADDRESS_BYTES } from '@tocsin/contracts';

/** Webhooks must not reach this address. The message of the error does not contain the address. */
export class BlockedAddress extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BlockedAddress';
  }
}

/** The only block from which public IPv6 addresses are assigned. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an IP address belongs to the public internet. The bytes decide, and not the notation. An IPv6 address that
 * contains an IPv4 address (mapped, translated, NAT64, 6to4) never counts as public, because no public receiver needs
 * one. A text that cannot be parsed is not public either.
 */
export function isPublicAddress(text: string): boolean {
  // the zone of a link-local address names an interface of this machine
  if (text.includes('%') || !ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  // ipaddr.js also reads 127.1 and 0x7f000001 as IPv4, but only URL may interpret such forms
  if (address.kind() === 'ipv4') return ipaddr.IPv4.isValidFourPartDecimal(text);
  // ipaddr.js does not list every range outside of it, such as ::/96 and 100:0:0:1::/64
  return (address as ipaddr.IPv6).match(GLOBAL_UNICAST);
}

/** The ports of public addresses, as `URL` writes them: '' is 443. */
export const PUBLIC_PORTS: readonly string[] = ['', '8443'];

/** The destination of a webhook, read from its address. */
export type Destination = { url: URL } | { fault: string; blocked: boolean };

/**
 * Reads the address of a webhook. `URL` makes it canonical: host names are in ASCII (IDNA), and every spelling of an
 * IPv4 address becomes four decimal numbers. Unless private addresses are allowed, the address must be https on port
 * 443 or 8443, and its host must be a name.
 */
export function readDestination(text: string, allowPrivate: boolean): Destination {
  const refuse = (fault: string, blocked = false): Destination => ({ fault, blocked });
  if (text.length > MAX_ADDRESS_BYTES || !URL.canParse(text)) return refuse('This is not an address.');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refuse('Only https addresses are posted to.');
  if (url.username || url.password) return refuse('The address has a user or a password in it.');
  if (url.hostname.length > 253) return refuse('The host name is too long.');
  url.hash = '';
  // the endpoint is stored under this form, in which a character may take twelve bytes
  if (url.href.length > MAX_ADDRESS_BYTES) return refuse('The address is too long.');
  if (allowPrivate) return { url };
  if (url.protocol !== 'https:') return refuse('Only https addresses are posted to.', true);
  if (!PUBLIC_PORTS.includes(url.port)) return refuse('Only the ports 443 and 8443 are posted to.', true);
  if (isIpLiteral(url.hostname)) return refuse('The host is an IP address and not a name.', true);
  return { url };
}

const isIpLiteral = (hostname: string): boolean => isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
