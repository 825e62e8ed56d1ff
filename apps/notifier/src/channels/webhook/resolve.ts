import { lookup, Resolver } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { BlockedAddress, isPublicAddress } from './address-guard';

/** Finds the IP addresses of a host name. Rejects when there is none. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** The timeout of one query to a name server, in milliseconds, and the number of tries. */
const DNS_TIMEOUT_MS = 1_000;
const DNS_TRIES = 2;

/**
 * Asks name servers only. It does not read the hosts file, and it does not use the four threads of the process's pool,
 * where a slow name server would delay all other work.
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

/** Resolves like other programs of this machine, which may know names of private addresses that DNS does not know. */
export const resolveLocally: Resolve = (hostname) => lookup(hostname, { all: true });

/**
 * The lookup function of a connection. The connection goes to the addresses that it returns, so no change of DNS can
 * slip in after the check. A name is refused if one of its addresses is not public: a public receiver has no such
 * address.
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
