import type { ClaimedDelivery, SendOutcome } from '@tocsin/contracts';
import type { Channel } from '@tocsin/contracts/wire';
import { Failpoints } from './crashing-ports';

/** How long the sink may take to answer, in milliseconds. */
const TIMEOUT_MS = 5_000;
const LIMITS = { concurrency: 20, timeoutMs: TIMEOUT_MS, expiresAfterMs: 3_600_000 };

/**
 * A `DeliveryChannel` of the notifier whose provider is the test's sink, with failpoints before and after the call.
 * E-mail and webhooks are promised at least once, SMS at most once.
 */
class SinkChannel {
  readonly limits = LIMITS;

  constructor(
    readonly channel: Channel,
    readonly promise: 'at_least_once' | 'at_most_once',
    private readonly url: string,
    private readonly failpoints: Failpoints,
  ) {}

  async send({ delivery_id, channel, attempt }: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    await this.failpoints.pass('send.before');
    try {
      const body = JSON.stringify({ delivery_id, channel, attempt, pid: process.pid });
      const response = await fetch(this.url, { method: 'POST', body, signal });
      await response.arrayBuffer();
      await this.failpoints.pass('send.accepted');
      return response.ok ? { outcome: 'sent' } : { outcome: 'retry', reason: 'provider_error' };
    } catch {
      return { outcome: 'unknown', reason: signal.aborted ? 'timeout' : 'connection_lost' };
    }
  }

  providerOf(): string {
    return this.channel;
  }

  async close(): Promise<void> {}
}

/** Channels that all send to the sink. */
export const sinkChannels = (url: string, failpoints: Failpoints): SinkChannel[] => [
  new SinkChannel('email', 'at_least_once', url, failpoints),
  new SinkChannel('webhook', 'at_least_once', url, failpoints),
  new SinkChannel('sms', 'at_most_once', url, failpoints),
];
