import { lookup, Resolver } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { BlockedAddress, isPublicAddress } from './address-guard';

/** Finds the IP addresses of a host name. Rejects when there is none. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** How long one question to a name server may take, in milliseconds, and how often it is asked. */
const DNS_TIMEOUT_MS = 1_000;
const DNS_TRIES = 2;

/**
 * Asks name servers and nothing else: not the hosts file, and not the four threads of the process's pool, on which a slow
 * name server would hold up all other work.
 */
export function resolveByDns(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (found.length > 0) return found;
    throw four.status === 'rejected' ? four.reason : new Error('The name has no address.');
  };
}

/** As other programs of this machine do: where private addresses are allowed, their names may be known to it alone. */
export const resolveLocally: Resolve = (hostname) => lookup(hostname, { all: true });

/**
 * The look-up of a connection: what it answers is connected to, so nothing can change between the check and the
 * connection. One address that is not public refuses the name, since nobody names a public receiver so by mistake.
 */
export function guardedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address)))
          callback(new BlockedAddress('The name leads to an address that is not public.'), []);
        else if (options.all) callback(null, addresses);
        else callback(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, []),
    );
  };
}
