import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing/back-off';
import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { BrokerUnavailable } from './broker-unavailable';
import { ConfirmingPublisher, type Publication, type PublishOutcome } from './confirming-publisher';
import type { ChannelSetup } from './kept-channel';
import { isSaid, refuseUnpublishable } from './publishable';

/** Where every producer publishes. Declared here as every producer declares it: topic, durable, without arguments. */
export const ALERTS_EXCHANGE = 'alerts.exchange';

export interface AlertPublisherOptions {
  /** `amqp://` or `amqps://`, with credentials. */
  url: string;
  /** What the broker's list of connections calls this one. Default `alert-publisher`. */
  name?: string;
  /** Default `alerts.exchange`. */
  exchange?: string;
  /** How many messages may wait for the broker's confirmation at once. Default 256. */
  maxInFlight?: number;
  /** How long one `publish` may take, in milliseconds. Default 4,500: whoever waits for an answer has it within 5 s. */
  confirmTimeoutMs?: number;
}

export interface PublishOptions {
  /** The W3C trace context of whoever publishes. */
  traceparent?: string;
  /**
   * For how long to go on with what was not confirmed, in milliseconds, under the same ids. Default 0: one attempt, after
   * which the caller decides. It bounds when the last attempt begins; that attempt may take `confirmTimeoutMs` more.
   */
  retryForMs?: number;
}

const BACK_OFF = { firstMs: 100, capMs: 2_000 };

/**
 * Publishes alerts from a service, with confirms: what is `confirmed` is durably in a queue of Tocsin. Reconnects by itself.
 *
 *     const publisher = new AlertPublisher({ url: 'amqp://…' });
 *     await publisher.connect();
 *     await publisher.publish([{ tenant_id: 'bakery', service: 'inventory', severity: 'urgent', name: 'low_stock' }]);
 *
 * A message without an `id` gets one; the outcome carries it. Publish a failed message again under that id, or let
 * `retryForMs` do so: it is safe. A broker with an alarm is an error at once, not a wait.
 */
export class AlertPublisher {
  private readonly exchange: string;
  private readonly publisher: ConfirmingPublisher;

  constructor({
    url,
    name = 'alert-publisher',
    exchange = ALERTS_EXCHANGE,
    maxInFlight,
    confirmTimeoutMs,
  }: AlertPublisherOptions) {
    this.exchange = exchange;
    const declare: ChannelSetup = async (channel) =>
      void (await channel.assertExchange(exchange, 'topic', { durable: true }));
    this.publisher = new ConfirmingPublisher({ url, name, maxInFlight, confirmTimeoutMs, declare });
  }

  get connected(): boolean {
    return this.publisher.connected;
  }

  /** Resolves once messages can be published. Rejects with `BrokerUnavailable` after `timeoutMs`; it goes on trying. */
  connect(timeoutMs?: number): Promise<void> {
    return this.publisher.connect(timeoutMs);
  }

  /**
   * What became of each message, in their order. Rejects with `TypeError` when one says no tenant, service or severity, and with
   * `BrokerUnavailable`: nothing was sent then.
   */
  async publish(
    alerts: readonly AlertMessageBody[],
    { traceparent, retryForMs = 0 }: PublishOptions = {},
  ): Promise<PublishOutcome[]> {
    refuseUnpublishable(alerts);
    // ids are drawn here, once for all attempts
    const publications = alerts.map((alert) => publicationOf(alert, this.exchange, traceparent));
    return retryForMs > 0 ? this.insist(publications, retryForMs) : this.publisher.publish(publications);
  }

  /** Fails what has not been confirmed and closes the connection. May be called twice. */
  close(): Promise<void> {
    return this.publisher.close();
  }

  private async insist(publications: readonly Publication[], retryForMs: number): Promise<PublishOutcome[]> {
    const deadline = performance.now() + retryForMs;
    const outcomes: (PublishOutcome | undefined)[] = publications.map(() => undefined);
    for (let failures = 0; ; failures += 1) {
      const open = publications.map((_, place) => place).filter((place) => isWorthAnother(outcomes[place]));
      let obstacle: unknown;
      try {
        const attempt = await this.publisher.publish(open.map((place) => publications[place]!));
        open.forEach((place, index) => (outcomes[place] = attempt[index]));
      } catch (error) {
        if (!(error instanceof BrokerUnavailable)) throw error;
        obstacle = error;
      }
      if (!outcomes.some(isWorthAnother)) return outcomes as PublishOutcome[];
      const pauseMs = fullJitter(failures, BACK_OFF);
      if (!isClosed(obstacle) && performance.now() + pauseMs < deadline) {
        await sleep(pauseMs);
        continue;
      }
      if (obstacle && outcomes.every((outcome) => outcome === undefined)) throw obstacle;
      return outcomes as PublishOutcome[]; // an attempt that sent anything gave each message an outcome
    }
  }
}

const isClosed = (obstacle: unknown): boolean =>
  obstacle instanceof BrokerUnavailable && obstacle.obstacle === 'closed';

/** Not confirmed, and not because of the message itself. */
const isWorthAnother = (outcome: PublishOutcome | undefined): boolean =>
  outcome === undefined || (outcome.outcome === 'failed' && outcome.reason !== 'not_sendable');

/** An alert as an AMQP message: `<type>.<severity>.<service>` is its routing key, its id the `message_id`. */
export function publicationOf(alert: AlertMessageBody, exchange: string, traceparent?: string): Publication {
  const { type, severity, service } = alert;
  const id = isSaid(alert.id) ? alert.id : randomUUID();
  return {
    exchange,
    routingKey: `${isSaid(type) ? type : 'alert'}.${severity}.${service}`,
    id,
    body: Buffer.from(JSON.stringify({ ...alert, id })),
    headers: traceparent ? { traceparent } : undefined,
  };
}
