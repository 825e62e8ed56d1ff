import type { QueueDepth } from '@tocsin/contracts';
import type { QueueDepths } from '@tocsin/contracts/ports';
import type { NatsStreams } from './nats-streams';

const ANSWER_WITHIN_MS = 2_000;

/** Reads the state of each stream: a message is in it until it is settled. */
export class NatsQueueDepths implements QueueDepths {
  constructor(private readonly streams: NatsStreams) {}

  read(): Promise<QueueDepth[]> {
    return this.streams.depths(ANSWER_WITHIN_MS);
  }

  isFull(): Promise<boolean> {
    return this.streams.isFull(ANSWER_WITHIN_MS);
  }
}
