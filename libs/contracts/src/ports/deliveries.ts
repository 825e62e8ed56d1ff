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
  /** Where the search stopped; null when nothing is left. A page looks at a limited number of deliveries. */
  reached: TimePlace | null;
}

/** The statuses of a delivery that can be redriven. An `unknown` one may have been sent already. */
export const REDRIVABLE = ['failed', 'expired', 'unknown'] as const satisfies readonly DeliveryStatus[];
export type Redrivable = (typeof REDRIVABLE)[number];

/**
 * Deliveries as people see, redrive and cancel them. The queue of due deliveries is `DeliveryQueue`.
 *
 * - The caller reaches the deliveries of `tenants` and no others.
 * - A redriven delivery is pending again with the same id. Its age counts from the redrive, its attempts are numbered
 *   after those on record, and the provider's reports are forgotten. Of two redrives at the same time, only one takes
 *   effect.
 * - Only a delivery that is not claimed can be cancelled, and then it is never claimed.
 *
 * Every method throws `Unavailable` (`log`) when the store is unreachable.
 */
export abstract class Deliveries {
  /** The deliveries of an alert, of its newest ringing entries first: at most 1,000. */
  abstract ofAlert(tenants: readonly TenantId[], alertId: string): Promise<Delivery[]>;
  abstract ofNotification(tenants: readonly TenantId[], notificationId: string): Promise<Delivery[]>;
  abstract find(tenants: readonly TenantId[], deliveryId: string): Promise<Delivery | undefined>;
  /** The newest first. */
  abstract list(tenant: TenantId, query: DeliveriesQuery): Promise<FoundDeliveries>;
  /** Redrives those of the deliveries that have one of these statuses, at most 500. Returns the redriven ones. */
  abstract redrive(
    tenants: readonly TenantId[],
    deliveryIds: readonly string[],
    statuses: readonly Redrivable[],
  ): Promise<string[]>;
  /** Cancels a delivery that waits. False means that it does not wait, or its attempt is under way. */
  abstract cancel(tenants: readonly TenantId[], deliveryId: string): Promise<boolean>;
}
