import type { ClaimedDelivery, SendOutcome } from '@tocsin/contracts';
import type { Channel } from '@tocsin/contracts/wire';
import { DeliveryChannel, type ChannelLimits } from '../channels/delivery-channel';

interface Under {
  delivery: ClaimedDelivery;
  signal: AbortSignal;
  end(outcome: SendOutcome): void;
}

/** A channel whose attempts end as the test says: with `answer`, or by hand while it is undefined. */
export class ChannelByHand extends DeliveryChannel {
  readonly sent: ClaimedDelivery[] = [];
  readonly under: Under[] = [];
  /** The most attempts that ran at the same time. */
  most = 0;
  closed = 0;
  readonly channel: Channel;
  readonly promise: DeliveryChannel['promise'];
  readonly limits: ChannelLimits;
  answer: ((delivery: ClaimedDelivery) => SendOutcome) | undefined;

  constructor({
    channel = 'webhook',
    promise = 'at_least_once',
    answer,
    ...limits
  }: Partial<ChannelLimits> & {
    channel?: Channel;
    promise?: DeliveryChannel['promise'];
    answer?: (delivery: ClaimedDelivery) => SendOutcome;
  } = {}) {
    super();
    this.channel = channel;
    this.promise = promise;
    this.answer = answer;
    this.limits = { concurrency: 4, timeoutMs: 10_000, expiresAfterMs: 86_400_000, ...limits };
  }

  async send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    this.sent.push(delivery);
    if (this.answer) return this.answer(delivery);
    return new Promise((resolve) => {
      const under: Under = {
        delivery,
        signal,
        end: (outcome) => {
          this.under.splice(this.under.indexOf(under), 1);
          resolve(outcome);
        },
      };
      this.under.push(under);
      this.most = Math.max(this.most, this.under.length);
      signal.addEventListener('abort', () => under.end({ outcome: 'unknown', reason: 'timeout' }));
    });
  }

  override async close(): Promise<void> {
    this.closed += 1;
  }
}

export const SENT = (): SendOutcome => ({ outcome: 'sent' });
