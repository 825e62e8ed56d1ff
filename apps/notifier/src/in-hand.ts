import { Unavailable, type ClaimedDelivery } from '@tocsin/contracts';
import type { DeliveryQueue } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';

/** How long the lease of a claim lasts, in milliseconds. After a worker is lost, its deliveries wait this long. */
export const LEASE_MS = 30_000;
/** How often leases are extended, in milliseconds. Two failures in a row lose no lease. */
export const EXTEND_EVERY_MS = 10_000;
/**
 * A delivery may begin only within this time after its lease was asked for, in milliseconds. Later its lease may end.
 */
export const BEGIN_WITHIN_MS = LEASE_MS - 5_000;
/** How many leases one call extends at most. */
const BATCH = 1_000;

/** A delivery that this process holds, from its claim to its settlement. */
export interface Held {
  readonly delivery: ClaimedDelivery;
  /**
   * When its lease was last asked for, by the monotonic clock. The lease ends `LEASE_MS` after that or a little later.
   */
  leasedAt: number;
  /** Whether another worker has it now. */
  lost: boolean;
  /** Resolves when this process holds it no longer. */
  readonly gone: Promise<void>;
  letGo: () => void;
}

/**
 * The deliveries that this process holds. It extends their leases, and decides which of them may still begin: when a
 * suspended process continues, its leases may be over.
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

  /**
   * Takes a claimed delivery. `claimedAt` is `now()` before the claim was sent. If this process still holds an earlier
   * claim of the same delivery, whose settlement the store has not answered, `before` is that claim. Then the new one
   * must not begin.
   */
  take(delivery: ClaimedDelivery, claimedAt: number): { held: Held; before: Held | undefined } {
    let letGo = (): void => undefined;
    const gone = new Promise<void>((resolve) => (letGo = resolve));
    const held: Held = { delivery, leasedAt: claimedAt, lost: false, gone, letGo };
    const before = this.held.get(delivery.delivery_id);
    this.held.set(delivery.delivery_id, held);
    return { held, before };
  }

  /** Removes a delivery that is settled. */
  drop(held: Held): void {
    const id = held.delivery.delivery_id;
    if (this.held.get(id) === held) this.held.delete(id);
    held.letGo();
  }

  mayBegin({ lost, leasedAt }: Held): boolean {
    return !lost && this.now() - leasedAt < BEGIN_WITHIN_MS;
  }

  /** Extends all leases once. Never rejects: after a failure the leases simply end earlier. */
  async extend(): Promise<void> {
    if (this.extending) return;
    this.extending = true;
    try {
      const all = [...this.held.values()];
      for (let from = 0; from < all.length; from += BATCH) await this.extendSome(all.slice(from, from + BATCH));
    } catch (error) {
      // the health checks report an unreachable store
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
