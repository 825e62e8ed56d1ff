import type { ClaimedDelivery, SendOutcome, Unavailable } from '@tocsin/contracts';
import type { Channel } from '@tocsin/contracts/wire';

/** The limits of a channel. The default of each value stands in the file of the channel. */
export interface ChannelLimits {
  /** How many attempts run at the same time. A dead provider occupies at most these. */
  concurrency: number;
  /** An attempt that takes longer ends as `timeout`, in milliseconds. */
  timeoutMs: number;
  /** A delivery older than this is `expired` and not sent, in milliseconds. */
  expiresAfterMs: number;
}

/**
 * One way to reach people. A channel makes one attempt and reports its outcome. Retries, expiry and the breaker are
 * decided elsewhere.
 *
 * - `at_least_once`: the provider gets the `delivery_id` with each attempt, so that the recipient can recognise a
 *   duplicate. An unknown outcome is attempted again.
 * - `at_most_once`: the provider cannot recognise a duplicate. An unknown outcome stays `unknown` and is never
 *   attempted again by itself.
 */
export abstract class DeliveryChannel {
  abstract readonly channel: Channel;
  abstract readonly promise: 'at_least_once' | 'at_most_once';
  abstract readonly limits: ChannelLimits;
  /**
   * Attempts the delivery once. It never rejects because of the provider or the recipient: their faults are outcomes.
   * An outcome for which no provider was asked is `of: 'us'`: a wrong address, a text that cannot be made, our own
   * store, a breaker of the channel's own (`held_back`). It neither opens the breaker of the provider nor closes it.
   * When `signal` aborts, the attempt ends within a second, as `unknown` when the provider may have accepted it.
   */
  abstract send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome>;
  /**
   * The provider that the delivery goes to. Each provider has its own breaker. Default: one provider for the channel.
   */
  providerOf(_delivery: ClaimedDelivery): string {
    return this.channel;
  }
  /** Closes connections that are kept open. May be called twice. */
  async close(): Promise<void> {}
}

/** The outcome when our own store is away and nothing was sent. It is no fault of a provider. */
export const storeAway = ({ message }: Unavailable): SendOutcome => ({
  outcome: 'retry',
  reason: 'connection_failed',
  answer: message,
  of: 'us',
});
