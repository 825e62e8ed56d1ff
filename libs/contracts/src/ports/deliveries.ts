import type { TenantId } from '../tenant';
import type { Channel, Delivery, DeliveryStatus } from '../wire';
import type { TimePlace } from './notifications';

export interface DeliveriesQuery {
  statuses: readonly DeliveryStatus[] | null;
  channel: Channel | null;
  /** Only deliveries that were made at or after this time. */
  since: string | null;
  behind: TimePlace | null;
  /** 1 to 500. */
  limit: number;
}

export interface FoundDeliveries {
  deliveries: Delivery[];
  /** Where the search stopped; null: nothing is left. A page looks at a bounded number of deliveries. */
  reached: TimePlace | null;
}

/** The statuses from which a delivery may be sent again. `unknown`: it may have been sent already. */
export const REDRIVABLE = ['failed', 'expired', 'unknown'] as const satisfies readonly DeliveryStatus[];
export type Redrivable = (typeof REDRIVABLE)[number];

/**
 * Deliveries as people see and correct them. The queue of what is due is `DeliveryQueue`.
 *
 * - The caller reaches the deliveries of `tenants` and no others.
 * - A delivery that is redriven is pending again with the same id. Its age counts from then on, and its attempts go on
 *   behind those on record. Of two redrives at the same time one redrives it.
 * - A delivery that is cancelled was not claimed, and is not claimed any more.
 *
 * Every method throws `Unavailable` (`log`) when the store is away.
 */
export abstract class Deliveries {
  /** The deliveries of an alert, of its newest ringing entries first: at most 1,000. */
  abstract ofAlert(tenants: readonly TenantId[], alertId: string): Promise<Delivery[]>;
  abstract ofNotification(tenants: readonly TenantId[], notificationId: string): Promise<Delivery[]>;
  abstract find(tenants: readonly TenantId[], deliveryId: string): Promise<Delivery | undefined>;
  /** The newest first. */
  abstract list(tenant: TenantId, query: DeliveriesQuery): Promise<FoundDeliveries>;
  /** Sends again those of the deliveries whose status is among these. Returns which they were: at most 500 at once. */
  abstract redrive(
    tenants: readonly TenantId[],
    deliveryIds: readonly string[],
    statuses: readonly Redrivable[],
  ): Promise<string[]>;
  /** Cancels a delivery that waits. False: it does not, or its attempt is under way. */
  abstract cancel(tenants: readonly TenantId[], deliveryId: string): Promise<boolean>;
}
