import type { TenantId } from '../tenant';
import type { Channel } from '../wire';

/** An address that gets the deliveries of a tenant over a channel. Upper and lower case are the same address. */
export interface Subscriber {
  tenant_id: TenantId;
  channel: Channel;
  address: string;
}

/**
 * Who wants no more messages of a tenant over a channel. It holds for every delivery that is sent after it was said,
 * whenever the delivery was planned. Every method may be repeated, and throws `Unavailable` when the store is away.
 */
export abstract class Unsubscribes {
  /** The subscriber gets nothing more. */
  abstract add(subscriber: Subscriber): Promise<void>;
  /** The subscriber gets everything again. */
  abstract remove(subscriber: Subscriber): Promise<void>;
  abstract has(subscriber: Subscriber): Promise<boolean>;
}
