import type { EventBus, HintListener, PublishedHint, Subscription } from '@tocsin/contracts/ports';
import type { TenantId } from '@tocsin/contracts';

/** An event bus inside one process. Hints arrive in a later turn of the event loop, as they would over a network. */
export class MemoryEventBus implements EventBus {
  readonly connected = true;
  private readonly listeners = new Map<TenantId, Set<HintListener>>();

  publish(hints: readonly PublishedHint[]): Promise<void> {
    if (hints.length > 0) setImmediate(() => this.deliver(hints));
    return Promise.resolve();
  }

  subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription> {
    const listeners = this.listeners.get(tenant) ?? new Set();
    this.listeners.set(tenant, listeners.add(listener));
    const close = () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(tenant) === listeners) this.listeners.delete(tenant);
    };
    return Promise.resolve({ close });
  }

  private deliver(hints: readonly PublishedHint[]): void {
    for (const { tenant_id, ...hint } of hints) {
      for (const listener of this.listeners.get(tenant_id) ?? []) listener.onHint(hint);
    }
  }
}
