import type { EventBrokerOptions } from './broker-options';
import type { Delivery, HandlerCalls, HandlerFailure } from './delivery';
import type { BrokerEvent } from './event';
import type { EventProvider, StatusChange } from './event-provider';
import type { GroupClaims } from './group-claims';
import { tell } from './listeners';

export interface AttemptsOptions {
  provider: EventProvider;
  instanceId: string;
  maxRetries: number;
  claims: GroupClaims;
  calls: HandlerCalls;
  isStopping: () => boolean;
  /** The broker's own options, for its listeners. */
  told: Pick<EventBrokerOptions, 'metrics' | 'onDeadLetter'>;
  onTrouble: (error: unknown) => void;
}

/** Makes the attempts to handle an event, and puts on record what became of it. */
export class Attempts {
  /** The ids of events whose attempts are left to the next start. */
  readonly unfinished: string[] = [];
  private readonly totals = { processed: 0, failed: 0 };

  constructor(private readonly options: AttemptsOptions) {}

  /** How many events have been handled on this instance. */
  get total(): Readonly<{ processed: number; failed: number }> {
    return this.totals;
  }

  /**
   * Calls the handlers that have not handled the event yet. `retry`: some have failed, and have attempts left.
   * `pending`: some have failed while the broker stops, which may be why. Such an attempt is not counted: an own event
   * waits for the next start, and the claim of a group for the end of its lease.
   */
  async make(delivery: Delivery): Promise<'completed' | 'failed' | 'retry' | 'pending'> {
    const { calls, claims, isStopping, maxRetries, told, onTrouble } = this.options;
    const { event, isOwn } = delivery;
    const isCalled = delivery.waiting.length > 0;
    if (isOwn && isCalled && delivery.retries === 0) void this.settle(event.id, 'processing', 0);
    const failures = isCalled ? await calls.callAll(delivery) : [];
    delivery.failures = failures;
    if (failures.length > 0 && isStopping()) {
      this.unfinished.push(event.id);
      if (isOwn) await this.settle(event.id, 'pending', delivery.retries, describe(failures));
      return 'pending';
    }
    if (failures.length > 0 && delivery.retries < maxRetries) {
      delivery.waiting = failures.map(({ subscription }) => subscription);
      delivery.retries += 1;
      if (isOwn) void this.settle(event.id, 'pending', delivery.retries, describe(failures));
      return 'retry';
    }
    const status = failures.length > 0 ? 'failed' : 'completed';
    // stored as completed, as there was no handler: it is so still, unless one has subscribed since
    if (status === 'failed' || (isOwn && (isCalled || event.status !== 'completed'))) {
      // in one step: as soon as the event is failed, any instance may redrive it, and must be able to claim it
      const of = failures.map(({ subscription }) => subscription);
      const givenUp = claims.heldBy(delivery, of);
      await this.settle(event.id, status, delivery.retries, describe(failures), givenUp);
      claims.release(delivery, givenUp);
    }
    this.count(delivery, status);
    if (status === 'failed')
      tell(() => told.onDeadLetter?.({ ...event, status, error: describe(failures) }, failures), onTrouble);
    return status;
  }

  /** Counts an event with which this instance is done. */
  count({ event, begunAt }: Delivery, status: 'completed' | 'failed'): void {
    this.totals.processed += 1;
    if (status === 'failed') this.totals.failed += 1;
    const { told, onTrouble } = this.options;
    tell(() => told.metrics?.processed(event, status, (performance.now() - begunAt) / 1_000), onTrouble);
  }

  /** Puts a status on record. Never rejects: an error of the provider does not undo what the handlers did. */
  async settle(
    id: string,
    status: BrokerEvent['status'],
    retry_count: number,
    error?: string,
    groups: readonly string[] = [],
  ): Promise<void> {
    const given_up = groups.length > 0 ? { claimant: this.options.instanceId, groups } : undefined;
    await this.record([{ id, status, retry_count, error, given_up, at: new Date() }]);
  }

  /** Leaves to the next start what no worker has begun. */
  async leave(deliveries: readonly Delivery[]): Promise<void> {
    const own = deliveries.filter(({ isOwn }) => isOwn);
    if (own.length === 0) return;
    const at = new Date();
    await this.record(own.map(({ event: { id }, retries }) => ({ id, status: 'pending', retry_count: retries, at })));
  }

  private async record(changes: readonly StatusChange[]): Promise<void> {
    const { provider, onTrouble } = this.options;
    try {
      const recorded = provider.updateStatus(changes);
      if (recorded) await recorded;
    } catch (cause) {
      onTrouble(cause);
    }
  }
}

// PostgreSQL stores neither NUL nor half of a surrogate pair, which the bound of a message may leave
const describe = (failures: readonly HandlerFailure[]): string | undefined =>
  failures.length === 0
    ? undefined
    : failures
        .map(({ subscription, error }) => `${subscription.name}: ${messageOf(error)}`)
        .join('; ')
        .replaceAll('\0', '')
        .toWellFormed();

/** Never throws, whatever a handler has thrown: an object without a prototype has no text, and a message may be any. */
function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error).slice(0, 1_000);
  } catch {
    return 'an error without a text';
  }
}
