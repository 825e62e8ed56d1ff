import type { TenantId } from '../tenant';
import type { Channel } from '../wire';

/** An address that gets the deliveries of a tenant over a channel. Upper and lower case are the same address. */
export interface Subscriber {
  tenant_id: TenantId;
  channel: Channel;
  address: string;
}

/**
 * The addresses that get no more messages of a tenant over a channel. An unsubscription stops every later attempt, even
 * of deliveries that were planned before. Every method may be repeated, and throws `Unavailable` when the store is
 * unreachable.
 */
export abstract class Unsubscribes {
  /** Unsubscribes an address. */
  abstract add(subscriber: Subscriber): Promise<void>;
  /** Undoes an unsubscription. */
  abstract remove(subscriber: Subscriber): Promise<void>;
  abstract has(subscriber: Subscriber): Promise<boolean>;
}
