import { setting } from '@tocsin/settings';
import { z } from 'zod';

const cap = () => z.coerce.number().int().min(0).max(1_000_000);

/** Limits of what a gateway accepts. 0 turns a limit off. */
export const admissionSettings = {
  STREAMS_PER_USER: setting(cap().default(10), {
    description: 'Streams that one user may have open on all gateways together; a browser tab is one. 0: any number.',
  }),
  STREAMS_PER_TENANT: setting(cap().default(500), {
    description: 'Streams that one tenant may have open on all gateways together. 0: any number.',
  }),
  STREAMS_PER_ADDRESS: setting(cap().default(50), {
    description:
      'Streams from one address (of IPv6: one /64) on all gateways together. Behind proxies set TRUSTED_PROXIES, or all clients are one address. 0: any number.',
  }),
  CONNECTS_PER_SECOND: setting(z.coerce.number().min(0).max(10_000).default(5), {
    description:
      'How often a user may connect to one gateway, per second in the long run and four times that at once. 0: any number.',
  }),
  MAX_STREAMS: setting(cap().default(20_000), {
    description:
      'Streams that this gateway holds. Beyond it, it is not ready and sends clients elsewhere. 0: any number.',
  }),
  TRUSTED_PROXIES: setting(z.coerce.number().int().min(0).max(16).default(0), {
    description:
      'How many proxies of our own stand before the gateway, each adding to X-Forwarded-For. Exactly: with one too many, clients choose their address. 0: the header is ignored.',
  }),
};
