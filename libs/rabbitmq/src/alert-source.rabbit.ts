import { Unavailable } from '@tocsin/contracts';
import { AlertSource, type HandleBatch } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { BrokerConnection, type ConfirmingPublisher, type Publication } from '@tocsin/publisher';
import { randomUUID } from 'node:crypto';
import { Outage } from './outage';
import { QueueLane, type DeadMessage, type QueueLaneOptions } from './queue-lane';
import { declareTopology, SUSPECT_AFTER } from './topology';
import type { Topology } from './topology-names';
import { Watchdog, type Consumer } from './watchdog';

export interface RabbitAlertSourceOptions {
  url: string;
  /** Messages of the large queue that are held unacknowledged: four batches keep two lanes of the log busy. Of urgent ones it is one batch at most. */
  prefetch: number;
  topology: Topology;
  /** How long `consume` tries before it rejects, in milliseconds. Default 10,000. */
  consumeTimeoutMs?: number;
  /** How often the watchdog looks, in milliseconds. Default 5,000: deafness is known after two looks. */
  watchEveryMs?: number;
}

/** One statement's worth: larger batches store no more a second and hold locks for longer. */
const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Urgent messages are few: what arrives while some are stored joins the next ones, or goes beside those when they take long. */
const URGENT_IN_FLIGHT = 4;
/** Expired messages are there after an outage and seldom else. Few are held: they come on top of `prefetch`. */
const EXPIRED_PREFETCH = 200;
const EXPIRED_URGENT_PREFETCH = 50;
/** The batch in hand gets so long at the end, well within an orchestrator's grace period. */
const STOP_TIMEOUT_MS = 10_000;
/** How long a dead letter waits for the publishing connection before it is tried again. */
const BURY_TIMEOUT_MS = 5_000;
/** Enough to say what was wrong, in a header. Characters. */
const MAX_DETAIL = 1_000;

/** One consumer of one process, from `consume` to `stop`. */
interface Consuming {
  connection: BrokerConnection;
  consumers: readonly Consumer[];
  outage: Outage;
  watchdog: Watchdog;
}

/**
 * Consumes the queues over one connection, each in a lane of its own: an urgent message never waits behind a backlog of the
 * rest, nor anybody behind a suspect or behind what expired while no processor was there. Connection, channels and consumers come back by themselves, and declare the topology
 * anew when they do, so that a queue that somebody deleted is there again.
 */
export class RabbitAlertSource extends AlertSource {
  private present: Consuming | undefined;

  constructor(
    private readonly options: RabbitAlertSourceOptions,
    private readonly deadLetters: ConfirmingPublisher,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  override get consuming(): boolean {
    return (
      this.present !== undefined &&
      !this.present.watchdog.deaf &&
      this.present.consumers.every(({ lane }) => lane.consuming)
    );
  }

  /** Whether it was told to consume: then it not consuming is a fault. */
  get wanted(): boolean {
    return this.present !== undefined;
  }

  override async consume(handle: HandleBatch): Promise<void> {
    if (this.present) return;
    const { topology, consumeTimeoutMs = 10_000 } = this.options;
    const { connection, consumers, outage, watchdog } = (this.present = this.prepare(handle, topology));
    this.deadLetters.open();
    connection.open();
    try {
      await Promise.all(consumers.map(({ channel }) => channel.opened(consumeTimeoutMs)));
    } catch (error) {
      // the first message met an outage of the world: the other queues are consumed when that is over
      if (!outage.lasting) {
        await this.stop();
        throw new Unavailable('rabbitmq', 'The queues cannot be consumed.', { cause: error });
      }
    }
    watchdog.start();
  }

  override async stop(): Promise<void> {
    const { present } = this;
    this.present = undefined;
    if (!present) return;
    const { connection, consumers, outage, watchdog } = present;
    watchdog.stop();
    outage.stop();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_TIMEOUT_MS)));
    await Promise.race([Promise.all(consumers.map(({ lane }) => lane.stop())), timeout]);
    clearTimeout(timer);
    for (const { lane } of consumers) lane.detach();
    await connection.close();
  }

  private prepare(handle: HandleBatch, topology: Topology): Consuming {
    const { url, prefetch, watchEveryMs = 5_000 } = this.options;
    const connection = new BrokerConnection({ url, name: 'alert-source' });
    const outage = new Outage(
      async () => (await handle([])).kind === 'settled',
      (lasting) => lasting || this.log.info('what was in hand is settled again'),
    );
    const consumer = (options: Pick<QueueLaneOptions, 'queue'> & Partial<QueueLaneOptions>): Consumer => {
      const whole = {
        prefetch: 1,
        maxBatch: MAX_BATCH,
        maxBatchBytes: MAX_BATCH_BYTES,
        maxInFlight: Math.ceil((options.prefetch ?? 1) / MAX_BATCH),
        ...options,
      };
      const lane = new QueueLane(whole, handle, (dead) => this.bury(dead), outage, this.log, this.metrics);
      const channel = connection.keep(
        async (made, remade) => {
          await declareTopology(made, topology, remade ? [options.queue] : undefined);
          await lane.attach(made, () => channel.renew());
        },
        () => lane.detach(),
      );
      return { lane, channel };
    };
    const consumers = [
      consumer({
        queue: topology.urgentQueue,
        prefetch: Math.min(prefetch, MAX_BATCH),
        maxInFlight: URGENT_IN_FLIGHT,
        suspectAfter: SUSPECT_AFTER,
      }),
      consumer({ queue: topology.queue, prefetch, suspectAfter: SUSPECT_AFTER }),
      consumer({
        queue: topology.expiredUrgentQueue,
        prefetch: Math.min(prefetch, EXPIRED_URGENT_PREFETCH),
        suspectAfter: SUSPECT_AFTER,
      }),
      consumer({
        queue: topology.expiredQueue,
        prefetch: Math.min(prefetch, EXPIRED_PREFETCH),
        suspectAfter: SUSPECT_AFTER,
      }),
      consumer({ queue: topology.suspectsQueue, mark: { suspect: true } }),
      consumer({ queue: topology.deliveryLimit, mark: { given_up: 'delivery_limit' } }),
    ];
    return { connection, consumers, outage, watchdog: new Watchdog(connection, consumers, watchEveryMs, this.log) };
  }

  private async bury(dead: readonly DeadMessage[]): Promise<void> {
    await this.deadLetters.connect(BURY_TIMEOUT_MS);
    const outcomes = await this.deadLetters.publish(
      dead.map((one) => deadLetterOf(one, this.options.topology.deadQueue)),
    );
    const failed = outcomes.find((outcome) => outcome.outcome === 'failed');
    if (!failed) return;
    if (failed.reason === 'unroutable') this.deadLetters.renew(); // the queue is gone: declare it anew
    throw new Unavailable('rabbitmq', `A dead letter was not taken: ${failed.reason}.`);
  }
}

/** The message as it came, with the reason beside it. */
function deadLetterOf({ message: { content, fields, properties }, outcome }: DeadMessage, queue: string): Publication {
  const traceparent: unknown = properties.headers?.['traceparent'];
  return {
    exchange: '',
    routingKey: queue,
    id: typeof properties.messageId === 'string' ? properties.messageId : randomUUID(),
    body: content,
    contentEncoding: typeof properties.contentEncoding === 'string' ? properties.contentEncoding : undefined,
    headers: {
      reason: outcome.reason,
      detail: (outcome.detail ?? '').slice(0, MAX_DETAIL).toWellFormed(),
      routing_key: fields.routingKey,
      exchange: fields.exchange,
      ...(typeof traceparent === 'string' ? { traceparent } : {}),
    },
  };
}
