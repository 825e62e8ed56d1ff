import type { SendOutcome } from '@tocsin/contracts';
import type { Channel } from '@tocsin/contracts/wire';
import { DeliveryChannel, type ChannelLimits } from './delivery-channel';

/** Replaces a channel that has no provider here. Its deliveries fail at once instead of waiting for a provider. */
export class UnconfiguredChannel extends DeliveryChannel {
  readonly promise = 'at_least_once';
  readonly limits: ChannelLimits = { concurrency: 10, timeoutMs: 1_000, expiresAfterMs: Infinity };

  constructor(readonly channel: Channel) {
    super();
  }

  send(): Promise<SendOutcome> {
    return Promise.resolve({ outcome: 'failed', reason: 'not_configured', of: 'us' });
  }
}
