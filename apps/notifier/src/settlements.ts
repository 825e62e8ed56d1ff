import { Unavailable, type Settlement } from '@tocsin/contracts';
import type { DeliveryQueue, Settled } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { fullJitter } from '@tocsin/timing';
import { setTimeout as sleep } from 'node:timers/promises';

/** The most settlements in one call. */
const BATCH = 1_000;
/** When this many settlements wait, nothing more is claimed: they are on record nowhere else. */
const MOST_WAITING = 2_000;
const BACK_OFF = { firstMs: 100, capMs: 5_000 };

interface Waiting {
  settlement: Settlement;
  resolve: (settled: Settled | undefined) => void;
}

/**
 * Puts the outcomes of deliveries on record. One call at a time settles all deliveries that ended in one turn of the
 * event loop. While the store is unreachable, settlements wait and are tried again. Repeating is safe, because a
 * settlement that is stored already changes nothing.
 */
export class Settlements {
  private waiting: Waiting[] = [];
  private running: Promise<void> | undefined;
  private failures = 0;

  constructor(
    private readonly queue: Pick<DeliveryQueue, 'settle'>,
    private readonly log: Log,
  ) {}

  /** Resolves with the delivery's status once it is on record; undefined when the store refuses it. Never rejects. */
  settle(settlement: Settlement): Promise<Settled | undefined> {
    return new Promise((resolve) => {
      this.waiting.push({ settlement, resolve });
      this.running ??= this.run();
    });
  }

  /** Whether nothing more should be claimed, because the store is unreachable or falls behind. */
  get congested(): boolean {
    return this.failures > 0 || this.waiting.length >= MOST_WAITING;
  }

  /** Resolves when no settlement waits. */
  async drained(): Promise<void> {
    while (this.running) await this.running;
  }

  private async run(): Promise<void> {
    // wait for the settlements of the same turn
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, BATCH);
      try {
        await this.store(batch);
      } catch (error) {
        if (this.failures === 0) this.log.warn({ err: error }, 'deliveries cannot be settled: they wait');
        await sleep(fullJitter(this.failures++, BACK_OFF), undefined, { ref: false });
        continue;
      }
      if (this.failures > 0) this.log.info('deliveries are settled again');
      this.failures = 0;
      this.waiting.splice(0, batch.length);
    }
    this.running = undefined;
  }

  /** Throws `Unavailable`. A settlement that the store refuses must not block the others. */
  private async store(batch: readonly Waiting[]): Promise<void> {
    try {
      const settled = await this.queue.settle(batch.map(({ settlement }) => settlement));
      batch.forEach(({ resolve }, index) => resolve(settled[index]));
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      if (batch.length > 1) for (const one of batch) await this.store([one]);
      else {
        const { tenant_id, delivery_id, attempt } = batch[0]!.settlement;
        this.log.error({ err: error, tenant_id, delivery_id, attempt }, 'a delivery could not be settled');
        batch[0]!.resolve(undefined);
      }
    }
  }
}
