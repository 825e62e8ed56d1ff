import type { Hint } from '../event';
import type { TenantId } from '../tenant';

export interface PublishedHint extends Hint {
  tenant_id: TenantId;
}

export interface HintListener {
  /**
   * A hint of the tenant arrived. Undefined when the message was no valid hint: the listener should read the event log.
   */
  onHint(hint: Hint | undefined): void;
  /** The subscription was interrupted and is back. Hints may have been missed. */
  onResumed(): void;
}

export interface Subscription {
  /** Unsubscribes. May be called twice. Never throws. */
  close(): void;
}

/**
 * Wakes the gateways when a processor has stored entries. A hint proves nothing and may be lost, duplicated or late:
 * the listener keeps its own position and reads the event log. Hints of one `publish` keep their order.
 */
export abstract class EventBus {
  /** Throws `Unavailable` within 500 ms when the bus is away. The caller counts that and goes on. */
  abstract publish(hints: readonly PublishedHint[]): Promise<void>;
  /**
   * Listens for a tenant's hints. Resolves once they arrive, so that a position that is read afterwards misses nothing.
   * While the bus is away it resolves as well, within 500 ms, and `onResumed` follows when the bus is back. Never
   * rejects.
   */
  abstract subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription>;
  /** Whether hints can arrive at present. */
  abstract readonly connected: boolean;
}
