import { setting } from '@tocsin/settings';
import { z } from 'zod';

const cap = () => z.coerce.number().int().min(0).max(1_000_000);

/** Limits of what a gateway accepts. 0 turns a limit off. */
export const admissionSettings = {
  STREAMS_PER_USER: setting(cap().default(10), {
    description:
      'How many streams one user may have open on all gateways together. A browser tab is one. 0: any number.',
  }),
  STREAMS_PER_TENANT: setting(cap().default(500), {
    description: 'How many streams one tenant may have open on all gateways together. 0: any number.',
  }),
  STREAMS_PER_ADDRESS: setting(cap().default(50), {
    description:
      'How many streams one address (of IPv6: one /64) may have open on all gateways together. Behind ' +
      'proxies set TRUSTED_PROXIES, or all clients count as one address. 0: any number.',
  }),
  CONNECTS_PER_SECOND: setting(z.coerce.number().min(0).max(10_000).default(5), {
    description:
      'How often a user may connect to one gateway, per second on average, and four times as often at ' +
      'once. 0: any number.',
  }),
  MAX_STREAMS: setting(cap().default(20_000), {
    description:
      'How many streams this gateway holds. When it is full, it is not ready, and clients must use another ' +
      'gateway. 0: any number.',
  }),
  REQUESTS_PER_USER: setting(cap().default(0), {
    description:
      'How many REST requests a user may send in a minute to all gateways together; each gateway counts for itself ' +
      'where BUS is postgres, and while the bus is away. Publishing over HTTP counts. 0: any number.',
  }),
  REQUESTS_PER_TOKEN: setting(cap().default(0), {
    description: 'The same for each token. 0: any number.',
  }),
  REQUESTS_PER_ADDRESS: setting(cap().default(0), {
    description:
      'The same for each address (of IPv6: one /64), also for requests without a valid token. Behind proxies ' +
      'set TRUSTED_PROXIES, or all clients count as one address. Callbacks of providers do not count. 0: any number.',
  }),
  TRUSTED_PROXIES: setting(z.coerce.number().int().min(0).max(16).default(0), {
    description:
      'How many of your own proxies are in front of the gateway and add to X-Forwarded-For. The number ' +
      'must be exact: with one too many, clients can choose their address. 0: the header is ignored.',
  }),
};
