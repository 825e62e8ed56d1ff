import type { ClaimedDelivery, SendOutcome, Settlement } from '@tocsin/contracts';
import { NoTrace, type Log, type Metrics, type Trace } from '@tocsin/observability';
import type { Breakers } from './breakers';
import type { DeliveryChannel } from './channels/delivery-channel';
import { settlementOf } from './retry-policy';

/** How long an aborted attempt may take to end, in milliseconds. After that, the notifier does not wait for it. */
const ABORT_GRACE_MS = 2_000;
/** A timer that fires later than this, in milliseconds, shows that the process was suspended. */
const SUSPENDED_MS = 1_000;

/** Attempts one delivery, at most once a call. The retry policy decides what follows from the outcome. */
export class Deliver {
  constructor(
    private readonly breakers: Breakers,
    private readonly metrics: Pick<Metrics, 'deliveryAttemptDuration'>,
    private readonly log: Log,
    private readonly trace: Trace = new NoTrace(),
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * Sends a claimed delivery, unless it is too old or the breaker of its provider is open. Returns the settlement to
   * put on record. `channel.send` is called before this method returns its promise, or not at all. An abort of `stop`
   * ends the attempt early. Never rejects.
   */
  async deliver(channel: DeliveryChannel, delivery: ClaimedDelivery, stop: AbortSignal): Promise<Settlement> {
    const { tenant_id, delivery_id, attempt } = delivery;
    const expiresInMs = () => expiryOf(delivery, channel) - Date.now();
    if (expiresInMs() <= 0) return { tenant_id, delivery_id, attempt, outcome: 'expired', reason: 'too_old' };

    const breaker = this.breakers.of(channel, channel.providerOf(delivery));
    const result: SendOutcome = (await breaker.run(() => this.traced(channel, delivery, stop))) ?? {
      outcome: 'held_back',
      pause_ms: breaker.pauseMs,
    };
    return settlementOf(delivery, result, {
      promise: channel.promise,
      expiresInMs: expiresInMs(),
      random: this.random(),
    });
  }

  /** One attempt, in a span that the receiver of a webhook gets as its parent. */
  private async traced(channel: DeliveryChannel, delivery: ClaimedDelivery, stop: AbortSignal): Promise<SendOutcome> {
    const { trace: parent, tenant_id, delivery_id, attempt } = delivery;
    const span =
      parent && this.trace.on
        ? this.trace.begin(`deliver ${channel.channel}`, {
            kind: 'client',
            parent,
            attributes: { 'tocsin.tenant_id': tenant_id, 'tocsin.delivery_id': delivery_id, 'tocsin.attempt': attempt },
          })
        : undefined;
    if (!span) return this.attempt(channel, delivery, stop);
    const result = await this.attempt(channel, { ...delivery, trace: span.context }, stop);
    span.end({
      attributes: { 'tocsin.outcome': result.outcome },
      failed: 'reason' in result ? result.reason : undefined,
    });
    return result;
  }

  private async attempt(channel: DeliveryChannel, delivery: ClaimedDelivery, stop: AbortSignal): Promise<SendOutcome> {
    const aborting = new AbortController();
    let timer: NodeJS.Timeout;
    const late = new Promise<SendOutcome>((resolve) => {
      aborting.signal.onabort = () => (timer = setTimeout(() => resolve(TIMED_OUT), ABORT_GRACE_MS));
    });
    const abort = () => {
      clearTimeout(timer);
      aborting.abort();
    };
    const { timeoutMs } = channel.limits;
    const begunAt = performance.now();
    timer = setTimeout(() => {
      const lateMs = performance.now() - begunAt - timeoutMs;
      // the process was suspended, so an answer may have arrived meanwhile: it gets time to be read
      if (lateMs > SUSPENDED_MS) timer = setTimeout(abort, SUSPENDED_MS);
      else abort();
    }, timeoutMs);
    stop.addEventListener('abort', abort, { once: true });
    const observe = this.metrics.deliveryAttemptDuration.startTimer({ channel: channel.channel });
    try {
      return await Promise.race([channel.send(delivery, aborting.signal), late]);
    } catch (error) {
      const { tenant_id, delivery_id, attempt } = delivery;
      this.log.error({ err: error, channel: channel.channel, tenant_id, delivery_id, attempt }, 'a channel failed');
      return LOST;
    } finally {
      observe();
      clearTimeout(timer);
      stop.removeEventListener('abort', abort);
    }
  }
}

const TIMED_OUT: SendOutcome = { outcome: 'unknown', reason: 'timeout' };
/** The outcome after a defect of our own. It may have occurred after the message was sent. */
const LOST: SendOutcome = { outcome: 'unknown', reason: 'connection_lost' };

/** When a delivery expires, in milliseconds since the epoch. Its age counts from its creation or its first due time. */
function expiryOf({ created_at, first_due_at }: ClaimedDelivery, { limits }: DeliveryChannel): number {
  return Math.max(Date.parse(created_at), Date.parse(first_due_at)) + limits.expiresAfterMs;
}
