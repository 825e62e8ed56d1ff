import { Unavailable, type QueueDepth, type QueueKind } from '@tocsin/contracts';
import type { QueueDepths } from '@tocsin/contracts/ports';
import { BrokerConnection, type KeptChannel } from '@tocsin/publisher';
import { within } from '@tocsin/timing';
import type { Topology } from './topology-names';

const ANSWER_WITHIN_MS = 2_000;

/**
 * Asks the broker for the length of each queue. It knows no age, and no number of messages in hand. The connection is
 * opened for the first question, and is one of its own: a broker with an alarm does not read from a connection that
 * publishes, and that is when one wants to know; and a question for a queue that is missing closes its channel.
 */
export class RabbitQueueDepths implements QueueDepths {
  private readonly connection: BrokerConnection;
  private readonly channel: KeptChannel;
  private readonly queues: [queue: string, kind: QueueKind][];

  constructor(url: string, names: Topology) {
    this.connection = new BrokerConnection({ url, name: 'queue-depths' });
    this.channel = this.connection.keep(async () => {});
    this.queues = [
      [names.urgentQueue, 'urgent'],
      [names.queue, 'common'],
      [names.expiredUrgentQueue, 'urgent'],
      [names.expiredQueue, 'common'],
      [names.suspectsQueue, 'suspects'],
      [names.deliveryLimit, 'given_up'],
    ];
  }

  async read(): Promise<QueueDepth[]> {
    try {
      return await within(ANSWER_WITHIN_MS, this.ask(), () => {
        throw new Error(`no answer within ${ANSWER_WITHIN_MS} ms`);
      });
    } catch (error) {
      throw new Unavailable('queue', 'RabbitMQ does not say how long the queues are.', {
        technology: 'rabbitmq',
        cause: error,
      });
    }
  }

  isFull(): Promise<null> {
    return Promise.resolve(null);
  }

  /** Closes the connection. May be called twice. */
  close(): Promise<void> {
    return this.connection.close();
  }

  private async ask(): Promise<QueueDepth[]> {
    this.connection.open();
    await this.channel.opened(ANSWER_WITHIN_MS);
    const channel = this.channel.current!;
    return Promise.all(
      this.queues.map(async ([queue, kind]) => {
        const { messageCount } = await channel.checkQueue(queue);
        return { queue, kind, messages: messageCount, includes_in_hand: false, oldest_at: null };
      }),
    );
  }
}
