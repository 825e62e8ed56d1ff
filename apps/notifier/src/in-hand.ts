import { Unavailable, type ClaimedDelivery } from '@tocsin/contracts';
import type { DeliveryQueue } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';

/** For how long a claim holds a delivery, in milliseconds: so long it waits after its worker is lost. */
export const LEASE_MS = 30_000;
/** How often leases are extended, in milliseconds: two failures in a row lose none. */
export const EXTEND_EVERY_MS = 10_000;
/** A delivery whose lease has less than this left is not begun, in milliseconds. Another worker may have it soon. */
export const BEGIN_WITHIN_MS = LEASE_MS - 5_000;
/** How many leases one call extends at most. */
const BATCH = 1_000;

/** A delivery from its claim to its settlement. */
export interface Held {
  readonly delivery: ClaimedDelivery;
  /** When its lease was asked for last, by the monotonic clock: it ends `LEASE_MS` later, or somewhat after that. */
  leasedAt: number;
  /** Another worker has it. */
  lost: boolean;
}

/**
 * The deliveries that this process holds. It extends their leases, and knows which of them may still be begun: a process
 * that was suspended finds its leases over when it goes on.
 */
export class InHand {
  private readonly held = new Map<string, Held>();
  private timer: NodeJS.Timeout | undefined;
  private extending = false;

  constructor(
    private readonly queue: Pick<DeliveryQueue, 'extend'>,
    private readonly log: Log,
    /** The monotonic clock by which leases are judged, in milliseconds. */
    readonly now: () => number = () => performance.now(),
  ) {}

  /** Starts to extend leases. May be called twice. */
  start(): void {
    this.timer ??= setInterval(() => void this.extend(), EXTEND_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Takes a delivery in. `claimedAt`: `now()` before the claim was sent. */
  take(delivery: ClaimedDelivery, claimedAt: number): Held {
    const held = { delivery, leasedAt: claimedAt, lost: false };
    this.held.set(delivery.delivery_id, held);
    return held;
  }

  /** Lets go of a delivery that is settled. */
  drop(held: Held): void {
    const id = held.delivery.delivery_id;
    // after its lease this process may have claimed it again
    if (this.held.get(id) === held) this.held.delete(id);
  }

  mayBegin({ lost, leasedAt }: Held): boolean {
    return !lost && this.now() - leasedAt < BEGIN_WITHIN_MS;
  }

  /** Extends all leases once. Never rejects: without an extension, leases end. */
  async extend(): Promise<void> {
    if (this.extending) return;
    this.extending = true;
    try {
      const all = [...this.held.values()];
      for (let from = 0; from < all.length; from += BATCH) await this.extendSome(all.slice(from, from + BATCH));
    } catch (error) {
      // health reports a store that is away
      if (!(error instanceof Unavailable)) this.log.error({ err: error }, 'leases could not be extended');
    } finally {
      this.extending = false;
    }
  }

  private async extendSome(some: readonly Held[]): Promise<void> {
    const at = this.now();
    const lost = new Set(
      await this.queue.extend(
        some.map(({ delivery: { tenant_id, delivery_id, attempt } }) => ({ tenant_id, delivery_id, attempt })),
        LEASE_MS,
      ),
    );
    for (const held of some) {
      if (lost.has(held.delivery.delivery_id)) held.lost = true;
      else held.leasedAt = at;
    }
  }
}
