import type { ClaimedDelivery, SendOutcome } from '@tocsin/contracts';
import { DeliveryChannel } from './delivery-channel';
import { describeDeliveryChannel } from './testing/delivery-channel.contract';
import { HttpProvider } from './testing/http-provider';

const MAX_ANSWER_BYTES = 64 * 1024;

/** The smallest channel that keeps the contract: a POST with the id of the delivery. */
class SmallestChannel extends DeliveryChannel {
  readonly channel = 'webhook';
  readonly promise = 'at_least_once';
  readonly limits = { concurrency: 1, timeoutMs: 5_000, expiresAfterMs: 3_600_000 };

  constructor(private readonly url: string) {
    super();
  }

  async send({ delivery_id }: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    try {
      const response = await fetch(this.url, { method: 'POST', body: delivery_id, signal, redirect: 'manual' });
      let bytes = 0;
      for await (const chunk of response.body ?? []) {
        bytes += (chunk as Uint8Array).length;
        if (bytes > MAX_ANSWER_BYTES) return { outcome: 'failed', reason: 'answer_too_large' };
      }
      if (response.ok) return { outcome: 'sent' };
      return response.status >= 500
        ? { outcome: 'retry', reason: 'provider_error' }
        : { outcome: 'failed', reason: 'rejected' };
    } catch {
      return { outcome: 'unknown', reason: signal.aborted ? 'timeout' : 'connection_lost' };
    }
  }
}

describeDeliveryChannel('The smallest one', {
  async open() {
    const provider = await HttpProvider.start();
    return {
      channel: new SmallestChannel(provider.url),
      setMood: (mood) => void (provider.mood = mood),
      received: () => provider.requests,
      close: () => provider.close(),
    };
  },
});
