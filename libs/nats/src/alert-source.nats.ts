import type { DeadDelivery, DeliveryListener, QueueKind, SourceQueue } from '@tocsin/contracts/ports';
import { LaneSource, type LaneSourceOptions } from '@tocsin/transport';
import type { NatsDelivery } from './in-hand';
import { NatsLane } from './nats-lane';
import type { NatsQueue } from './nats-queue';

/** The longest `detail` in a header, in characters. */
const MAX_DETAIL = 1_000;

/** Consumes the streams, each with requests of its own over the one connection. */
export class NatsSource extends LaneSource {
  constructor(
    private readonly queue: NatsQueue,
    options: LaneSourceOptions,
  ) {
    super(options);
  }

  override async bury(dead: readonly (DeadDelivery & { delivery: NatsDelivery })[]): Promise<void> {
    await Promise.all(
      dead.map(({ delivery: { raw, kind }, reason, detail = '' }) =>
        this.queue.bury(raw, kind, {
          reason,
          detail: detail
            .slice(0, MAX_DETAIL)
            .toWellFormed()
            .replaceAll(/[\r\n]+/g, ' '),
        }),
      ),
    );
  }

  override async stop(): Promise<void> {
    await super.stop();
    await this.queue.connection.flush();
  }

  protected override nameOf(kind: QueueKind): string {
    return this.queue.streams.name(kind);
  }

  protected override prepare(): Promise<void> {
    return this.queue.streams.prepare();
  }

  protected override laneOf(queue: SourceQueue, listener: DeliveryListener): NatsLane {
    return new NatsLane(this.queue, queue, listener);
  }
}
