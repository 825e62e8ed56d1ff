import { brokerUrls } from '@tocsin/publisher';
import { connect } from 'amqplib';
import { consumedQueues } from './topology';
import { topologyOf } from './topology-names';

/** A consumed queue, and what the broker says of it; null when there is no such queue. */
export interface QueueState {
  queue: string;
  state: { messages: number; consumers: number } | null;
}

const TIMEOUT_MS = 5_000;
const NOT_FOUND = 404;

/**
 * Asks the broker for every queue that a processor consumes, and declares nothing. Rejects with the driver's error when
 * the broker does not answer within 5 s, or refuses the login.
 */
export async function queueStates({ url, prefix }: { url: string; prefix: string }): Promise<QueueState[]> {
  // any node of a cluster knows all queues
  const connection = await connect(brokerUrls(url)[0]!.href, {
    timeout: TIMEOUT_MS,
    clientProperties: { connection_name: 'tocsin doctor' },
  });
  connection.on('error', () => undefined);
  try {
    const states: QueueState[] = [];
    for (const queue of consumedQueues(topologyOf(prefix))) {
      // the broker closes the channel with its refusal
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      try {
        const { messageCount, consumerCount } = await channel.checkQueue(queue);
        states.push({ queue, state: { messages: messageCount, consumers: consumerCount } });
        await channel.close();
      } catch (error) {
        if ((error as { code?: unknown }).code !== NOT_FOUND) throw error;
        states.push({ queue, state: null });
      }
    }
    return states;
  } finally {
    await connection.close().catch(() => undefined);
  }
}
