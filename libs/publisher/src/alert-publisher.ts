import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing/back-off';
import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { BrokerUnavailable } from './broker-unavailable';
import { ConfirmingPublisher, type Publication, type PublishOutcome } from './confirming-publisher';
import type { ChannelSetup } from './kept-channel';
import { isSaid, refuseUnpublishable } from './publishable';

/**
 * The exchange that every producer publishes to. Each producer declares it alike: topic, durable, without arguments.
 */
export const ALERTS_EXCHANGE = 'alerts.exchange';

export interface AlertPublisherOptions {
  /** `amqp://` or `amqps://`, with credentials; of a cluster, the addresses of its nodes, separated by commas. */
  url: string;
  /** The connection's name in the broker's list of connections. Default `alert-publisher`. */
  name?: string;
  /** Default `alerts.exchange`. */
  exchange?: string;
  /** How many messages may wait for the broker's confirmation at the same time. Default 256. */
  maxInFlight?: number;
  /** The timeout of one `publish`, in milliseconds. Default 4,500, so that the caller has its outcomes within 5 s. */
  confirmTimeoutMs?: number;
}

export interface PublishOptions {
  /** The W3C trace context of the caller. */
  traceparent?: string;
  /**
   * How long `publish` tries again what was not confirmed, in milliseconds, under the same ids. Default 0: one attempt,
   * after which the caller decides. The time bounds when the last attempt begins; that attempt may take
   * `confirmTimeoutMs` more.
   */
  retryForMs?: number;
}

const BACK_OFF = { firstMs: 100, capMs: 2_000 };

/**
 * Publishes alerts from a service, with confirms: a `confirmed` alert is durably in a queue of Tocsin. Reconnects by
 * itself.
 *
 *     const publisher = new AlertPublisher({ url: 'amqp://…' });
 *     await publisher.connect();
 *     await publisher.publish([{ tenant_id: 'bakery', service: 'inventory', severity: 'urgent', name: 'low_stock' }]);
 *
 * A message without an `id` gets one, and the outcome carries it. It is safe to publish a failed message again under
 * that id, or to let `retryForMs` do so. A broker with an alarm causes an error at once instead of a wait.
 */
export class AlertPublisher {
  private readonly exchange: string;
  private readonly publisher: ConfirmingPublisher;

  /** Throws a `TypeError` when `url` is missing or no address of RabbitMQ. */
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

  /**
   * Resolves once messages can be published. Rejects with `BrokerUnavailable` after `timeoutMs`, and goes on
   * connecting.
   */
  connect(timeoutMs?: number): Promise<void> {
    return this.publisher.connect(timeoutMs);
  }

  /**
   * The outcome of each message, in the order of the messages. Rejects with `TypeError` when one of them has no tenant,
   * service or severity, and with `BrokerUnavailable` when the broker takes nothing. In both cases nothing was sent.
   */
  async publish(
    alerts: readonly AlertMessageBody[],
    { traceparent, retryForMs = 0 }: PublishOptions = {},
  ): Promise<PublishOutcome[]> {
    refuseUnpublishable(alerts);
    // the ids are made here, once for all attempts
    const publications = alerts.map((alert) => publicationOf(alert, this.exchange, traceparent));
    return retryForMs > 0 ? this.insist(publications, retryForMs) : this.publisher.publish(publications);
  }

  /** Fails the messages that are not confirmed yet and closes the connection. May be called twice. */
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

/** Whether another attempt makes sense: the message was not confirmed, and the cause is not the message itself. */
const isWorthAnother = (outcome: PublishOutcome | undefined): boolean =>
  outcome === undefined || (outcome.outcome === 'failed' && outcome.reason !== 'not_sendable');

/**
 * An alert as an AMQP message. Its routing key is `<type>.<severity>.<service>`, its `message_id` is the alert's id.
 */
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
