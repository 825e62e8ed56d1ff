import { within } from '@tocsin/timing';
import type { BrokerConnection, KeptChannel } from '@tocsin/publisher';
import type { Log } from '@tocsin/observability';
import type { QueueLane } from './queue-lane';

/** A lane with its channel. */
export interface Consumer {
  lane: QueueLane;
  channel: KeptChannel;
}

/** A broker that is there says at once how many messages wait in a queue. */
const ANSWER_WITHIN_MS = 3_000;

/**
 * Finds what looks alive and hears nothing: a consumer with nothing in hand, messages in its queue, and none of them arriving
 * from one look to the next; or a broker that does not answer, long before heartbeats end its connection. Deafness is told
 * (`deaf`) and mended by consuming anew. It asks over a channel of its own, since a question about a queue that is gone ends its channel.
 */
export class Watchdog {
  private readonly channel: KeptChannel;
  private timer: NodeJS.Timeout | undefined;
  private looking = false;
  private silent = false;
  private readonly deafLanes = new Set<QueueLane>();
  /** Of the lanes that could have heard something at the last look and had not: how many messages had arrived by then. */
  private suspicious = new Map<QueueLane, number>();

  constructor(
    connection: BrokerConnection,
    private readonly consumers: readonly Consumer[],
    private readonly everyMs: number,
    private readonly log: Log,
  ) {
    this.channel = connection.keep(async () => {});
  }

  get deaf(): boolean {
    return this.silent || this.deafLanes.size > 0;
  }

  start(): void {
    this.timer = setInterval(() => void this.look(), this.everyMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      for (const consumer of this.consumers) await this.lookAt(consumer);
    } finally {
      this.looking = false;
    }
  }

  private async lookAt({ lane, channel }: Consumer): Promise<void> {
    const arrivedBefore = this.suspicious.get(lane);
    this.suspicious.delete(lane);
    const ready = lane.consuming ? await this.messagesIn(lane.queue) : undefined;
    if (ready === undefined) return;
    if (ready === 0 || !lane.idle || (arrivedBefore !== undefined && lane.arrivals > arrivedBefore)) {
      this.deafLanes.delete(lane);
    } else if (arrivedBefore === lane.arrivals) {
      this.deafLanes.add(lane);
      this.log.error({ queue: lane.queue, waiting: ready }, 'messages wait and none arrives: consuming anew');
      channel.renew();
    } else {
      this.suspicious.set(lane, lane.arrivals);
    }
  }

  /** Undefined when that is not known. */
  private async messagesIn(queue: string): Promise<number | undefined> {
    const channel = this.channel.current;
    if (!channel) return undefined;
    const asking = channel.checkQueue(queue).catch(() => undefined);
    const answer = await within(ANSWER_WITHIN_MS, asking, () => 'no answer' as const);
    this.silent = answer === 'no answer';
    return answer === 'no answer' ? undefined : answer?.messageCount;
  }
}
