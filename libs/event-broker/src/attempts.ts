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
  /** The ids of dead letters that wait here for another attempt, or are under way. */
  readonly redriven = new Set<string>();
  private readonly totals = { processed: 0, failed: 0 };

  constructor(private readonly options: AttemptsOptions) {}

  /** How many events have been handled on this instance. */
  get total(): Readonly<{ processed: number; failed: number }> {
    return this.totals;
  }

  /**
   * Calls the handlers that have not handled the event yet. `retry`: some have failed, and have attempts left.
   * `pending`: some have failed while the broker stops, which may be why. Such an attempt is not counted: an own event
   * waits for the next start, the claim of a group for the end of its lease, and a redriven one is a dead letter still.
   */
  async make(delivery: Delivery): Promise<'completed' | 'failed' | 'retry' | 'pending'> {
    const { calls, isStopping, maxRetries, provider } = this.options;
    const { event, kind } = delivery;
    const isOwn = kind === 'own';
    const isCalled = delivery.waiting.length > 0;
    if (isOwn && isCalled && delivery.retries === 0) void this.settle(event.id, 'processing', 0);
    const failures = isCalled ? await calls.callAll(delivery) : [];
    delivery.failures = failures;
    if (failures.length > 0 && isStopping()) {
      this.unfinished.push(event.id);
      if (isOwn) await this.settle(event.id, 'pending', delivery.retries, describe(failures));
      // an event of another instance is not taken up at the next start: without a record, it would be lost here
      const lost = kind === 'others' ? failures.filter(({ subscription }) => subscription.group === undefined) : [];
      return lost.length > 0 ? this.fail(delivery, lost) : 'pending';
    }
    if (failures.length > 0 && delivery.retries < maxRetries) {
      delivery.waiting = failures.map(({ subscription }) => subscription);
      delivery.retries += 1;
      if (isOwn) void this.settle(event.id, 'pending', delivery.retries, describe(failures));
      return 'retry';
    }
    if (failures.length > 0) return this.fail(delivery, failures);
    // stored as completed, as there was no handler: it is so still, unless one has subscribed since
    if (isOwn && (isCalled || event.status !== 'completed')) await this.settle(event.id, 'completed', delivery.retries);
    if (kind === 'redriven') {
      await this.record(() => provider.completeRedriven(event, delivery.retries, new Date()));
      this.redriven.delete(event.id);
    }
    this.count(delivery, 'completed');
    return 'completed';
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
    await this.update([{ id, status, retry_count, error, given_up, at: new Date() }]);
  }

  /**
   * Leaves to the next start what no worker has begun. To be called when no handler is called any more: the attempts
   * that are made for the events of others fail, so that they are on record like those that were cut.
   */
  async leave(deliveries: readonly Delivery[]): Promise<void> {
    const at = new Date();
    const own = deliveries.filter(({ kind }) => kind === 'own');
    const pending = own.map(({ event: { id }, retries }) => ({
      id,
      status: 'pending' as const,
      retry_count: retries,
      at,
    }));
    const others = deliveries.filter(({ kind }) => kind !== 'own');
    await Promise.all([
      pending.length > 0 && this.update(pending),
      ...others.map((delivery) => this.make(delivery)),
      ...others.map((delivery) => delivery.kind === 'others' && this.options.claims.leave(delivery)),
    ]);
  }

  /** Makes a dead letter of the event. */
  private async fail(delivery: Delivery, failures: readonly HandlerFailure[]): Promise<'failed'> {
    const { claims, told, onTrouble } = this.options;
    const { event, retries } = delivery;
    const error = describe(failures);
    // before others know of the failure: `onDeadLetter`, for one, may redrive the event again
    if (delivery.kind === 'redriven') this.redriven.delete(event.id);
    // in one step: as soon as the event is failed, any instance may redrive it, and must be able to claim it
    const givenUp = claims.heldBy(
      delivery,
      failures.map(({ subscription }) => subscription),
    );
    await this.settle(event.id, 'failed', retries, error, givenUp);
    claims.release(delivery, givenUp);
    this.count(delivery, 'failed');
    tell(() => told.onDeadLetter?.({ ...event, status: 'failed', error }, failures), onTrouble);
    return 'failed';
  }

  private update(changes: readonly StatusChange[]): Promise<void> {
    return this.record(() => this.options.provider.updateStatus(changes));
  }

  private async record(write: () => Promise<void> | void): Promise<void> {
    try {
      const recorded = write();
      if (recorded) await recorded;
    } catch (cause) {
      this.options.onTrouble(cause);
    }
  }
}

// PostgreSQL stores neither NUL nor half of a surrogate pair, which the bound of a message may leave
const describe = (failures: readonly HandlerFailure[]): string =>
  failures
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
