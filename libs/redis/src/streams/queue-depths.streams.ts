import { QUEUE_KINDS, type QueueDepth } from '@tocsin/contracts';
import type { QueueDepths } from '@tocsin/contracts/ports';
import type { StreamQueue } from './stream-queue';

const ANSWER_WITHIN_MS = 2_000;

/** Reads the length of each stream, and the time in the id of its first message: it is in it until it is settled. */
export class StreamQueueDepths implements QueueDepths {
  constructor(private readonly queue: StreamQueue) {}

  async read(): Promise<QueueDepth[]> {
    const lengths = await this.queue.lengths(QUEUE_KINDS, ANSWER_WITHIN_MS);
    return QUEUE_KINDS.map((kind, at) => {
      const { messages, firstId } = lengths[at]!;
      const oldest_at = firstId === null ? null : new Date(Number.parseInt(firstId, 10)).toISOString();
      return { queue: this.queue.key(kind), kind, messages, includes_in_hand: true, oldest_at };
    });
  }
}
