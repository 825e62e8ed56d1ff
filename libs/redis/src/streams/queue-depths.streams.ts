import { QUEUE_KINDS, type QueueDepth } from '@tocsin/contracts';
import type { QueueDepths } from '@tocsin/contracts/ports';
import { MESSAGES_A_SCRIPT } from './alert-intake.streams';
import type { StreamQueue } from './stream-queue';

const ANSWER_WITHIN_MS = 2_000;

/**
 * Reads the length of each stream, and the time in the id of its first message: it is in it until it is settled.
 * Messages are appended all or none, so the queue counts as full when it has no room for the largest batch.
 */
export class StreamQueueDepths implements QueueDepths {
  constructor(
    private readonly queue: StreamQueue,
    /** How many messages may wait in all. */
    private readonly limit: number,
  ) {}

  async read(): Promise<QueueDepth[]> {
    const lengths = await this.queue.lengths(QUEUE_KINDS, ANSWER_WITHIN_MS);
    return QUEUE_KINDS.map((kind, at) => {
      const { messages, firstId } = lengths[at]!;
      const oldest_at = firstId === null ? null : new Date(Number.parseInt(firstId, 10)).toISOString();
      return { queue: this.queue.key(kind), kind, messages, includes_in_hand: true, oldest_at };
    });
  }

  async isFull(): Promise<boolean> {
    const lengths = await this.queue.lengths(['urgent', 'common'], ANSWER_WITHIN_MS);
    const waiting = lengths.reduce((sum, { messages }) => sum + messages, 0);
    return waiting + MESSAGES_A_SCRIPT > this.limit;
  }
}
