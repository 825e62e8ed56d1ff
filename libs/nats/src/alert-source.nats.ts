import { setTimeout as sleep } from 'node:timers/promises';
import type { AlertSource, DeadDelivery, DeliveryListener, QueueKind, SourceQueue } from '@tocsin/contracts/ports';
import { fullJitter } from '@tocsin/timing';
import { NatsLane, type NatsDelivery } from './nats-lane';
import type { NatsQueue } from './nats-queue';

interface NatsSourceOptions {
  /** How many messages of the common stream may be unacknowledged; of the urgent one at most 500. */
  prefetch: number;
  /** How long `consume` tries before it rejects, in milliseconds. Default 10,000. */
  consumeTimeoutMs?: number;
}

/** The largest prefetch of urgent messages: one batch. */
const URGENT_PREFETCH = 500;
const BACK_OFF = { firstMs: 100, capMs: 1_000 };
/** The longest `detail` in a header, in characters. */
const MAX_DETAIL = 1_000;

/**
 * Consumes the streams, each with requests of its own over the one connection. An urgent message never waits behind a
 * backlog of others, and no message behind a suspect.
 */
export class NatsSource implements AlertSource {
  #lanes: readonly NatsLane[] | undefined;
  #stopped = false;

  constructor(
    private readonly queue: NatsQueue,
    private readonly options: NatsSourceOptions,
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
    const { prefetch } = this.options;
    const of = (kind: QueueKind, most: number, parks: boolean): SourceQueue => ({
      name: this.queue.streams.name(kind),
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
      await this.#prepare();
    } catch (error) {
      this.#lanes = undefined;
      throw error;
    }
    if (this.#stopped) return;
    this.#lanes = queues.map((queue) => new NatsLane(this.queue, queue, open(queue)));
    for (const lane of this.#lanes) lane.start();
  }

  async bury(dead: readonly (DeadDelivery & { delivery: NatsDelivery })[]): Promise<void> {
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

  async cancel(): Promise<void> {
    this.#stopped = true;
    await Promise.all((this.#lanes ?? []).map((lane) => lane.cancel()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all((this.#lanes ?? []).map((lane) => lane.stop()));
    await this.queue.connection.flush();
  }

  /** Throws `Unavailable` when NATS is away for all of the time. */
  async #prepare(): Promise<void> {
    const until = performance.now() + (this.options.consumeTimeoutMs ?? 10_000);
    for (let failures = 0; ; failures += 1)
      try {
        return await this.queue.streams.prepare();
      } catch (error) {
        if (this.#stopped) return;
        if (performance.now() > until) throw error;
        await sleep(fullJitter(failures, BACK_OFF));
      }
  }
}
