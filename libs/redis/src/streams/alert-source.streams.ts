import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { AlertSource, DeliveryListener, QueueKind, SourceQueue } from '@tocsin/contracts/ports';
import { fullJitter } from '@tocsin/timing';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamLane } from './stream-lane';
import type { StreamQueue } from './stream-queue';

interface StreamSourceOptions {
  url: string;
  /** How many messages of the common stream may be unacknowledged; of the urgent one at most 500. */
  prefetch: number;
  /** How long `consume` tries before it rejects, in milliseconds. Default 10,000. */
  consumeTimeoutMs?: number;
}

/** The largest prefetch of urgent messages: one batch. */
const URGENT_PREFETCH = 500;
const BACK_OFF = { firstMs: 100, capMs: 1_000 };

/**
 * Consumes the streams, each over a connection of its own, as one consumer of their group. An urgent message never
 * waits behind a backlog of others, and no message behind a suspect. It has no dead letters of its own, because the
 * event log keeps the record of a dead message.
 */
export class StreamSource implements AlertSource {
  readonly #consumer = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  #lanes: readonly StreamLane[] | undefined;
  #stopped = false;

  constructor(
    private readonly queue: StreamQueue,
    private readonly options: StreamSourceOptions,
  ) {}

  get consuming(): boolean {
    return this.wanted && this.#lanes!.length > 0 && this.#lanes!.every(({ consuming }) => consuming);
  }

  /** Whether `consume` was called. If so, it is a fault when the source does not consume. */
  get wanted(): boolean {
    return this.#lanes !== undefined && !this.#stopped;
  }

  async consume(open: (queue: SourceQueue) => DeliveryListener): Promise<void> {
    if (this.#lanes) return;
    const { prefetch, url } = this.options;
    const queues: SourceQueue[] = [
      { name: 'queue:urgent', kind: 'urgent', prefetch: Math.min(prefetch, URGENT_PREFETCH), parks: true },
      { name: 'queue:common', kind: 'common', prefetch, parks: true },
      { name: 'queue:suspects', kind: 'suspects', prefetch: 1, parks: false },
      { name: 'queue:given_up', kind: 'given_up', prefetch: 1, parks: false },
    ];
    this.#lanes = [];
    try {
      await this.#prepare(queues.map(({ kind }) => kind));
    } catch (error) {
      this.#lanes = undefined;
      throw error;
    }
    if (this.#stopped) return;
    this.#lanes = queues.map((queue) => new StreamLane(this.queue, queue, open(queue), this.#consumer, url));
    for (const lane of this.#lanes) lane.start();
  }

  bury(): Promise<void> {
    return Promise.resolve();
  }

  async cancel(): Promise<void> {
    this.#stopped = true;
    await Promise.all((this.#lanes ?? []).map((lane) => lane.cancel()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all((this.#lanes ?? []).map((lane) => lane.stop()));
  }

  /** Throws `Unavailable` when Redis is away for all of the time. */
  async #prepare(kinds: readonly QueueKind[]): Promise<void> {
    const until = performance.now() + (this.options.consumeTimeoutMs ?? 10_000);
    for (let failures = 0; ; failures += 1)
      try {
        for (const kind of kinds) await this.queue.prepare(kind);
        return;
      } catch (error) {
        if (this.#stopped) return;
        if (performance.now() > until) throw error;
        await sleep(fullJitter(failures, BACK_OFF));
      }
  }
}
