import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing';
import {
  AlertSource,
  type DeadDelivery,
  type DeliveryListener,
  type QueueKind,
  type SourceQueue,
} from '@tocsin/contracts/ports';

export interface LaneSourceOptions {
  /** How many messages of the common queue may be unacknowledged; of the urgent one at most 500. */
  prefetch: number;
  /** How long `consume` tries before it rejects, in milliseconds. Default 10,000. */
  consumeTimeoutMs?: number;
}

/** Delivers one queue. */
export interface QueueLane {
  /** Whether its messages arrive at present. */
  readonly consuming: boolean;
  start(): void;
  /** Takes nothing more. Resolves when nothing more is delivered. */
  cancel(): Promise<void>;
  /** Sends what is settled, and gives back everything else. */
  stop(): Promise<void>;
}

/** The largest prefetch of urgent messages: one batch. */
const URGENT_PREFETCH = 500;
const BACK_OFF = { firstMs: 100, capMs: 1_000 };

/**
 * A source with a lane for each queue: an urgent message never waits behind a backlog of others, and no message behind
 * a suspect.
 */
export abstract class LaneSource extends AlertSource {
  #lanes: readonly QueueLane[] | undefined;
  #stopped = false;

  constructor(private readonly laneOptions: LaneSourceOptions) {
    super();
  }

  protected abstract nameOf(kind: QueueKind): string;
  /** Makes what the lanes need. Rejects with `Unavailable` while the service is away. */
  protected abstract prepare(kinds: readonly QueueKind[]): Promise<void>;
  protected abstract laneOf(queue: SourceQueue, listener: DeliveryListener): QueueLane;
  abstract override bury(dead: readonly DeadDelivery[]): Promise<void>;

  override get consuming(): boolean {
    return this.wanted && this.#lanes!.length > 0 && this.#lanes!.every(({ consuming }) => consuming);
  }

  /** Whether `consume` was called. If so, it is a fault when the source does not consume. */
  get wanted(): boolean {
    return this.#lanes !== undefined && !this.#stopped;
  }

  override async consume(open: (queue: SourceQueue) => DeliveryListener): Promise<void> {
    if (this.#lanes) return;
    const { prefetch } = this.laneOptions;
    const of = (kind: QueueKind, most: number, parks: boolean): SourceQueue => ({
      name: this.nameOf(kind),
      kind,
      prefetch: Math.min(prefetch, most),
      parks,
    });
    const queues = [
      of('urgent', URGENT_PREFETCH, true),
      of('common', prefetch, true),
      of('suspects', 1, false),
      of('given_up', 1, false),
    ];
    this.#lanes = [];
    try {
      await this.#prepareAll(queues.map(({ kind }) => kind));
    } catch (error) {
      this.#lanes = undefined;
      throw error;
    }
    if (this.#stopped) return;
    this.#lanes = queues.map((queue) => this.laneOf(queue, open(queue)));
    for (const lane of this.#lanes) lane.start();
  }

  override async cancel(): Promise<void> {
    this.#stopped = true;
    await Promise.all((this.#lanes ?? []).map((lane) => lane.cancel()));
  }

  override async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all((this.#lanes ?? []).map((lane) => lane.stop()));
  }

  /** Throws `Unavailable` when the service is away for all of the time. */
  async #prepareAll(kinds: readonly QueueKind[]): Promise<void> {
    const until = performance.now() + (this.laneOptions.consumeTimeoutMs ?? 10_000);
    for (let failures = 0; ; failures += 1)
      try {
        return await this.prepare(kinds);
      } catch (error) {
        if (this.#stopped) return;
        if (performance.now() > until) throw error;
        await sleep(fullJitter(failures, BACK_OFF));
      }
  }
}
