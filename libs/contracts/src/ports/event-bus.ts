import type { Hint } from '../event';
import type { TenantId } from '../tenant';

export interface PublishedHint extends Hint {
  tenant_id: TenantId;
}

export interface HintListener {
  /** A hint of the tenant arrived; undefined when what arrived is none, which asks for a look at the log. */
  onHint(hint: Hint | undefined): void;
  /** Hints may have been missed: the subscription was interrupted and is back. */
  onResumed(): void;
}

export interface Subscription {
  /** Ends it. May be called twice. Never throws. */
  close(): void;
}

/**
 * The wake-up between processors and gateways. It proves nothing and promises little: a hint may be lost, doubled or
 * late, and whoever listens owns a position and reads the log. Hints of one `publish` keep their order.
 */
export abstract class EventBus {
  /** Throws `Unavailable` within 500 ms when the bus is away. The caller counts that and goes on. */
  abstract publish(hints: readonly PublishedHint[]): Promise<void>;
  /**
   * Listens for a tenant's hints. Resolves once they arrive, so that a position read afterwards misses nothing; with the
   * bus away it resolves all the same, within 500 ms, and `onResumed` follows when it is back. Never rejects.
   */
  abstract subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription>;
  /** Whether hints can arrive at present. */
  abstract readonly connected: boolean;
}
