import { Unavailable } from '@tocsin/contracts';
import { AlertSource, type DeadDelivery, type DeliveryListener, type SourceQueue } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { BrokerConnection, type ConfirmingPublisher, type Publication } from '@tocsin/publisher';
import { randomUUID } from 'node:crypto';
import { ConsumedQueue, type RabbitDelivery } from './consumed-queue';
import { declareTopology } from './topology';
import type { Topology } from './topology-names';
import { Watchdog } from './watchdog';

export interface RabbitAlertSourceOptions {
  url: string;
  /**
   * How many messages of the common queue may be unacknowledged: four batches keep two lanes of the event log busy. Of
   * urgent messages it is at most 500.
   */
  prefetch: number;
  topology: Topology;
  /** How long `consume` tries before it rejects, in milliseconds. Default 10,000. */
  consumeTimeoutMs?: number;
  /** How often the watchdog checks, in milliseconds. Default 5,000: a deaf consumer is known after two checks. */
  watchEveryMs?: number;
  /** After how long without a message a consumer is made anew, in milliseconds. Default 60,000. See `Watchdog`. */
  renewAfterMs?: number;
}

/** The largest prefetch of urgent messages: one batch. */
const URGENT_PREFETCH = 500;
/**
 * The prefetch of expired messages, which occur mostly after an outage. It is small because it comes on top of
 * `prefetch`.
 */
const EXPIRED_PREFETCH = 200;
const EXPIRED_URGENT_PREFETCH = 50;
/** How long burying waits for the publishing connection, in milliseconds. The caller tries again. */
const BURY_TIMEOUT_MS = 5_000;
/** The longest `detail` in a header, in characters. */
const MAX_DETAIL = 1_000;

/** The state between `consume` and `stop`. */
interface Consuming {
  connection: BrokerConnection;
  queues: readonly ConsumedQueue[];
  watchdog: Watchdog;
  cancelled: boolean;
}

/**
 * Consumes the queues over one connection, each on a channel of its own. An urgent message never waits behind a backlog
 * of other messages, and no message waits behind a suspect or behind messages that expired while no processor was
 * there. Connection, channels and consumers come back by themselves. They declare the topology again when they do, so a
 * queue that was deleted is there again.
 */
export class RabbitAlertSource extends AlertSource {
  private present: Consuming | undefined;

  constructor(
    private readonly options: RabbitAlertSourceOptions,
    private readonly deadLetters: ConfirmingPublisher,
    private readonly log: Log,
  ) {
    super();
  }

  override get consuming(): boolean {
    return (
      this.present !== undefined &&
      !this.present.watchdog.deaf &&
      this.present.queues.every(({ consuming }) => consuming)
    );
  }

  /** Whether `consume` was called. If so, it is a fault when the source does not consume. */
  get wanted(): boolean {
    return this.present !== undefined && !this.present.cancelled;
  }

  override async consume(open: (queue: SourceQueue) => DeliveryListener): Promise<void> {
    if (this.present) return;
    const { consumeTimeoutMs = 10_000 } = this.options;
    const { connection, queues, watchdog } = (this.present = this.prepare(open));
    this.deadLetters.open();
    connection.open();
    try {
      await Promise.all(queues.map(({ channel }) => channel.opened(consumeTimeoutMs)));
    } catch (error) {
      // the first message already met an outage behind the listener: the broker is there, and the other queues are
      // consumed when the outage is over
      if (!queues.some(({ unwanted }) => unwanted)) {
        await this.stop();
        throw new Unavailable('queue', 'The queues cannot be consumed.', { technology: 'rabbitmq', cause: error });
      }
    }
    watchdog.start();
  }

  override async cancel(): Promise<void> {
    if (!this.present) return;
    this.present.cancelled = true;
    this.present.watchdog.stop();
    await Promise.all(this.present.queues.map((queue) => queue.cancel()));
  }

  override async stop(): Promise<void> {
    const { present } = this;
    this.present = undefined;
    if (!present) return;
    present.watchdog.stop();
    for (const queue of present.queues) queue.acknowledgeNow();
    await present.connection.close();
  }

  private prepare(open: (queue: SourceQueue) => DeliveryListener): Consuming {
    const { url, watchEveryMs = 5_000, renewAfterMs = 60_000, topology } = this.options;
    const connection = new BrokerConnection({ url, name: 'alert-source' });
    const queues = this.queues().map(
      (queue) =>
        new ConsumedQueue(connection, queue, open(queue), (channel, remade) =>
          declareTopology(channel, topology, remade ? [queue.name] : undefined),
        ),
    );
    const watchdog = new Watchdog(connection, queues, watchEveryMs, renewAfterMs, this.log);
    return { connection, queues, watchdog, cancelled: false };
  }

  private queues(): SourceQueue[] {
    const { prefetch, topology } = this.options;
    const ofPublished = (name: string, kind: 'urgent' | 'common', atMost: number): SourceQueue => ({
      name,
      kind,
      prefetch: Math.min(prefetch, atMost),
      parks: true,
    });
    return [
      ofPublished(topology.urgentQueue, 'urgent', URGENT_PREFETCH),
      ofPublished(topology.queue, 'common', prefetch),
      ofPublished(topology.expiredUrgentQueue, 'common', EXPIRED_URGENT_PREFETCH),
      ofPublished(topology.expiredQueue, 'common', EXPIRED_PREFETCH),
      { name: topology.suspectsQueue, kind: 'suspects', prefetch: 1, parks: false },
      { name: topology.deliveryLimit, kind: 'given_up', prefetch: 1, parks: false },
    ];
  }

  override async bury(dead: readonly (DeadDelivery & { delivery: RabbitDelivery })[]): Promise<void> {
    await this.deadLetters.connect(BURY_TIMEOUT_MS);
    const outcomes = await this.deadLetters.publish(
      dead.map((one) => deadLetterOf(one, this.options.topology.deadQueue)),
    );
    const failed = outcomes.find((outcome) => outcome.outcome === 'failed');
    if (!failed) return;
    const cause = this.deadLetters.trouble;
    if (failed.reason === 'unroutable') this.deadLetters.renew(); // the queue is gone: the new channel declares it again
    throw new Unavailable('queue', `A dead letter was not taken: ${failed.reason}.`, { technology: 'rabbitmq', cause });
  }
}

/** The message unchanged, with the reason in its headers. */
function deadLetterOf(
  { delivery, reason, detail = '' }: DeadDelivery & { delivery: RabbitDelivery },
  queue: string,
): Publication {
  const { content, fields, properties } = delivery.raw;
  const traceparent: unknown = properties.headers?.['traceparent'];
  return {
    exchange: '',
    routingKey: queue,
    id: typeof properties.messageId === 'string' ? properties.messageId : randomUUID(),
    body: content,
    contentEncoding: typeof properties.contentEncoding === 'string' ? properties.contentEncoding : undefined,
    headers: {
      reason,
      detail: detail.slice(0, MAX_DETAIL).toWellFormed(),
      routing_key: fields.routingKey,
      exchange: fields.exchange,
      ...(typeof traceparent === 'string' ? { traceparent } : {}),
    },
  };
}
