import { Unavailable } from '@tocsin/contracts';
import type { DeliveryQueue } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { LEASE_MS, type Held, type InHand } from './in-hand';

/**
 * The most attempts that one call begins. If the process dies before they are made, all of them are in doubt; providers
 * of such messages take far fewer in a second than calls of this size allow.
 */
const BATCH = 5;

interface Waiting {
  held: Held;
  resolve: (begun: boolean) => void;
}

/**
 * Puts attempts on record just before they are made, where a message must not be sent twice: some of one turn of the
 * event loop in one call, one call at a time.
 */
export class Begins {
  private waiting: Waiting[] = [];
  private running = false;

  constructor(
    private readonly queue: Pick<DeliveryQueue, 'begin'>,
    private readonly inHand: Pick<InHand, 'now'>,
    private readonly log: Log,
  ) {}

  /**
   * Resolves with whether the attempt is on record and may be made. False: the delivery is cancelled, another worker
   * has it, or the store is away; then it is to be given back. Never rejects.
   */
  begin(held: Held): Promise<boolean> {
    return new Promise((resolve) => {
      this.waiting.push({ held, resolve });
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    // those of the same turn go along
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) await this.store(this.waiting.splice(0, BATCH));
    this.running = false;
  }

  private async store(batch: readonly Waiting[]): Promise<void> {
    const at = this.inHand.now();
    try {
      const lost = new Set(
        await this.queue.begin(
          batch.map(({ held: { delivery } }) => {
            const { tenant_id, delivery_id, attempt } = delivery;
            return { tenant_id, delivery_id, attempt };
          }),
          LEASE_MS,
        ),
      );
      for (const { held, resolve } of batch) {
        if (lost.has(held.delivery.delivery_id)) held.lost = true;
        else held.leasedAt = at;
        resolve(!held.lost);
      }
    } catch (error) {
      // health reports a store that is away
      if (!(error instanceof Unavailable)) this.log.error({ err: error }, 'attempts could not be begun');
      for (const { resolve } of batch) resolve(false);
    }
  }
}
