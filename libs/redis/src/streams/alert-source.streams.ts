import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { DeliveryListener, QueueKind, SourceQueue } from '@tocsin/contracts/ports';
import { LaneSource, type LaneSourceOptions } from '@tocsin/transport';
import { StreamLane } from './stream-lane';
import type { StreamQueue } from './stream-queue';

interface StreamSourceOptions extends LaneSourceOptions {
  url: string;
}

/**
 * Consumes the streams, each over a connection of its own, as one consumer of their group. It has no dead letters of
 * its own, because the event log keeps the record of a dead message.
 */
export class StreamSource extends LaneSource {
  readonly #consumer = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;

  constructor(
    private readonly queue: StreamQueue,
    private readonly options: StreamSourceOptions,
  ) {
    super(options);
  }

  override bury(): Promise<void> {
    return Promise.resolve();
  }

  protected override nameOf(kind: QueueKind): string {
    return `queue:${kind}`;
  }

  protected override async prepare(kinds: readonly QueueKind[]): Promise<void> {
    for (const kind of kinds) await this.queue.prepare(kind);
  }

  protected override laneOf(queue: SourceQueue, listener: DeliveryListener): StreamLane {
    return new StreamLane(this.queue, queue, listener, this.#consumer, this.options.url);
  }
}
