import type { ClaimedDelivery, Settlement } from '../delivery';
import type { Channel, DeliveryStatus } from '../wire';

export interface ClaimOptions {
  /** The most deliveries to claim: 1 to 1,000. */
  atMost: number;
  /** How long the worker may hold them without `extend`, in milliseconds. */
  leaseMs: number;
  /**
   * Whether an attempt whose lease ended without a settlement is never repeated, since the provider may have sent the
   * message and cannot recognise a duplicate. Such a delivery becomes `unknown`, reason `worker_lost`. The claim then
   * puts nothing on record: `begin` does, just before the call, so that only what may have been sent is in doubt.
   * Elsewhere a repetition does no harm, and the claim itself is the beginning: that saves a call.
   */
  atMostOnce: boolean;
}

export interface Claimed {
  deliveries: ClaimedDelivery[];
  /** How many deliveries this claim has put on record as `unknown`, because their worker was lost. */
  lost: number;
  /** How many it has cancelled, because their alert is over. */
  cancelled: number;
}

/**
 * The result of one settlement: the status of the delivery after it. `stale`: a later claim has replaced the attempt.
 */
export type Settled = DeliveryStatus | 'stale';

/** The number of unsettled deliveries of one channel. */
export interface DeliveryDepth {
  channel: Channel;
  /** How many are due now, and when the oldest of them was due; null when none is. */
  due: number;
  oldest_due_at: string | null;
  /** How many wait for a later time. */
  waiting: number;
}

/**
 * The deliveries that must be sent, for any number of notifiers that run at the same time.
 *
 * - A claim gives the caller a lease. When the lease ends without a settlement (a crash, a suspended process), another
 *   claim gets the delivery, with the same `delivery_id`, and with the next attempt if one was begun.
 * - Each attempt is on record before the caller can send anything: by the claim, or by `begin` (`atMostOnce`).
 * - A delivery is claimed by one worker at a time. Claims are fair: tenants take turns, whatever their backlogs are.
 * - A settlement counts only for the newest attempt. It is on record when the call returns. An `unknown` delivery whose
 *   worker comes back after all is settled with what that worker knows.
 * - A delivery whose alert was acknowledged or resolved is cancelled and not claimed, and an attempt that asks to be
 *   repeated then ends as `cancelled`.
 *
 * Every method throws `Unavailable` (`log`) when the store is unreachable. Repeating a settlement is safe.
 */
export abstract class DeliveryQueue {
  /** Claims due deliveries of one channel, of any tenants. An empty list when none is due. */
  abstract claim(channel: Channel, options: ClaimOptions): Promise<Claimed>;
  /**
   * Puts the attempts of deliveries on record that were claimed `atMostOnce`, just before they are sent, and extends
   * their leases to `leaseMs` from now. Returns those that must not be sent: they are cancelled, settled, or another
   * worker has claimed them. Repeating it is safe. At most 1,000.
   */
  abstract begin(
    held: readonly Pick<ClaimedDelivery, 'tenant_id' | 'delivery_id' | 'attempt'>[],
    leaseMs: number,
  ): Promise<string[]>;
  /** Settles claimed deliveries, at most 1,000. The results are in the order of the settlements. */
  abstract settle(settlements: readonly Settlement[]): Promise<Settled[]>;
  /**
   * Extends the leases of unsettled deliveries to `leaseMs` from now. Returns the lost ones: another worker has claimed
   * them, or they are settled. Their attempts must not begin any more.
   */
  abstract extend(
    held: readonly Pick<ClaimedDelivery, 'tenant_id' | 'delivery_id' | 'attempt'>[],
    leaseMs: number,
  ): Promise<string[]>;
  /** The numbers of waiting deliveries by channel, for metrics. Channels without deliveries are left out. */
  abstract depth(): Promise<DeliveryDepth[]>;
}
