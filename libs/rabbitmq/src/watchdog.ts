import { within } from '@tocsin/timing';
import type { BrokerConnection, KeptChannel } from '@tocsin/publisher';
import type { Log } from '@tocsin/observability';
import type { ConsumedQueue } from './consumed-queue';

/** The timeout of a question to the broker, in milliseconds. A broker that works answers at once. */
const ANSWER_WITHIN_MS = 3_000;

/**
 * Finds consumers that look alive but receive nothing. A consumer is deaf when it has no unsettled message, messages
 * wait in its queue, and none arrives from one check to the next. The watchdog reports it (`deaf`) and makes it consume
 * again. It also finds a broker that does not answer, long before heartbeats end the connection. It asks over a channel
 * of its own, because a question about a deleted queue closes the channel.
 *
 * One kind of deaf consumer cannot be told from a quiet one. When a quorum queue is declared again within some 30 ms of
 * its deletion, RabbitMQ (3.10) neither cancels its consumers nor serves them, and counts no message that it has
 * assigned to them. So a consumer that has received nothing for `renewAfterMs` is made anew, one at each check; when
 * the old one ends, the broker delivers these messages.
 */
export class Watchdog {
  private readonly channel: KeptChannel;
  private timer: NodeJS.Timeout | undefined;
  private looking = false;
  private silent = false;
  private readonly deafQueues = new Set<ConsumedQueue>();
  /**
   * The queues that received nothing at the last check although messages waited, each with its number of arrivals by
   * then.
   */
  private suspicious = new Map<ConsumedQueue, number>();

  constructor(
    connection: BrokerConnection,
    private readonly queues: readonly ConsumedQueue[],
    private readonly everyMs: number,
    private readonly renewAfterMs: number,
    private readonly log: Log,
  ) {
    this.channel = connection.keep(async () => {});
  }

  get deaf(): boolean {
    return this.silent || this.deafQueues.size > 0;
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
      for (const queue of this.queues) await this.lookAt(queue);
      this.renewQuietest();
    } finally {
      this.looking = false;
    }
  }

  private async lookAt(queue: ConsumedQueue): Promise<void> {
    const arrivedBefore = this.suspicious.get(queue);
    this.suspicious.delete(queue);
    const ready = queue.consuming ? await this.messagesIn(queue.name) : undefined;
    if (ready === undefined) return;
    if (ready === 0 || !queue.idle || (arrivedBefore !== undefined && queue.arrivals > arrivedBefore)) {
      this.deafQueues.delete(queue);
    } else if (arrivedBefore === queue.arrivals) {
      this.deafQueues.add(queue);
      this.log.error({ queue: queue.name, waiting: ready }, 'messages wait but none arrives: consuming again');
      queue.channel.renew();
    } else {
      this.suspicious.set(queue, queue.arrivals);
    }
  }

  private renewQuietest(): void {
    const quiet = this.queues.filter(({ idle, quietMs }) => idle && quietMs >= this.renewAfterMs);
    const [quietest] = quiet.sort((one, other) => other.quietMs - one.quietMs);
    quietest?.renew().catch((error: unknown) => {
      this.log.warn({ err: error, queue: quietest.name }, 'a quiet consumer could not be made anew, and stays');
    });
  }

  /** The number of waiting messages; undefined when it is not known. */
  private async messagesIn(queue: string): Promise<number | undefined> {
    const channel = this.channel.current;
    if (!channel) return undefined;
    const asking = channel.checkQueue(queue).catch(() => undefined);
    const answer = await within(ANSWER_WITHIN_MS, asking, () => 'no answer' as const);
    this.silent = answer === 'no answer';
    return answer === 'no answer' ? undefined : answer?.messageCount;
  }
}
