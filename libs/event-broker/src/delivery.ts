import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerError } from './broker-error';
import type { BrokerEvent } from './event';
import type { GroupClaims } from './group-claims';
import { groupsOf, type HandlerContext, type Subscription } from './subscriptions';
import { upcast, type Upcasters } from './upcasters';

export interface HandlerFailure {
  subscription: Subscription;
  error: unknown;
}

/**
 * Whose event it is, which decides what is put on record. `own`: this instance decides the status. `others`: another
 * one does, and only a failure is recorded. `redriven`: a dead letter, which stays one until it is handled. `replay`:
 * nothing is recorded.
 */
export type DeliveryKind = 'own' | 'others' | 'redriven' | 'replay';

/** An event on its way to handlers of this instance. */
export class Delivery {
  readonly begunAt = performance.now();
  retries = 0;
  failures: readonly HandlerFailure[] = [];

  constructor(
    readonly event: BrokerEvent,
    readonly kind: DeliveryKind,
    /** The subscriptions that have not handled it yet. */
    public waiting: readonly Subscription[],
  ) {}
}

/**
 * Makes its signal only when a handler asks for it: most do not, and a signal costs more than the rest of a call.
 */
class CallContext implements HandlerContext {
  private controller: AbortController | undefined;
  private reason: unknown;

  constructor(readonly attempt: number) {}

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.reason !== undefined) this.controller.abort(this.reason);
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    this.reason = reason;
    this.controller?.abort(reason);
  }
}

/** Calls handlers with a timeout and with the newest version of the event, those of a group on one instance only. */
export class HandlerCalls {
  private readonly ending = new AbortController();
  private readonly hurrying = new AbortController();

  constructor(
    private readonly options: {
      claims: GroupClaims;
      isSubscribed: (subscription: Subscription) => boolean;
      timeoutMs: number;
      upcasters: Upcasters;
    },
  ) {
    // each call that is under way listens
    setMaxListeners(0, this.ending.signal, this.hurrying.signal);
  }

  /**
   * Calls all that wait, at the same time and in the order in which they subscribed; none after `end`, when all fail,
   * and none that was unsubscribed meanwhile, which has nothing more to do. Never rejects.
   */
  async callAll(delivery: Delivery): Promise<HandlerFailure[]> {
    const waiting = this.subscribed(delivery);
    // most events have no handlers in groups, and then nothing is waited for
    const groups = groupsOf(delivery.kind === 'replay' || this.ending.signal.aborted ? [] : waiting);
    if (groups.size === 0) return this.callThese(waiting, delivery);
    const { taken, failed } = await this.claim(delivery, groups);
    const called = this.subscribed(delivery).filter(({ group }) => group === undefined || taken.has(group));
    const failures = await this.callThese(called, delivery);
    for (const subscription of delivery.waiting)
      if (failed.has(subscription.group)) failures.push({ subscription, error: failed.get(subscription.group) });
    await this.options.claims.completed(delivery, groupsOf(called), failures);
    return failures;
  }

  /**
   * The subscriptions that wait and that there still are. A group that has no other here keeps its claim to the end of
   * the lease, when another instance may take it.
   */
  private subscribed(delivery: Delivery): readonly Subscription[] {
    const { isSubscribed, claims } = this.options;
    if (delivery.kind === 'replay' || delivery.waiting.every(isSubscribed)) return delivery.waiting;
    const gone = delivery.waiting.filter((subscription) => !isSubscribed(subscription));
    delivery.waiting = delivery.waiting.filter(isSubscribed);
    const remaining = groupsOf(delivery.waiting);
    claims.release(
      delivery,
      claims.heldBy(delivery, gone).filter((group) => !remaining.has(group)),
    );
    return delivery.waiting;
  }

  private async callThese(these: readonly Subscription[], delivery: Delivery): Promise<HandlerFailure[]> {
    const results = await Promise.all(these.map((subscription) => this.call(subscription, delivery)));
    return results.filter((failure) => failure !== undefined);
  }

  /** `failed`: the groups whose claim ended with an error. Their handlers count as failed. */
  private async claim(delivery: Delivery, groups: ReadonlySet<string>) {
    const taken = new Set<string>();
    const failed = new Map<string | undefined, unknown>();
    await Promise.all(
      [...groups].map(async (group) => {
        try {
          if (await this.options.claims.take(delivery, group)) taken.add(group);
        } catch (error) {
          failed.set(group, error);
        }
      }),
    );
    return { taken, failed };
  }

  /** Waits between two attempts; not at all once `hurry` was called. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.hurrying.signal }).catch(() => undefined);
  }

  hurry(): void {
    this.hurrying.abort();
  }

  /** Ends the calls that are under way: their signals abort. From now on none is made. */
  end(): void {
    this.ending.abort(new BrokerError('worker_pool_stopped', 'the broker stops'));
  }

  private async call(subscription: Subscription, delivery: Delivery): Promise<HandlerFailure | undefined> {
    const { handler } = subscription;
    const { timeoutMs, upcasters } = this.options;
    if (this.ending.signal.aborted) return { subscription, error: this.ending.signal.reason };
    let timer: NodeJS.Timeout | undefined;
    let onEnd: (() => void) | undefined;
    try {
      const event = upcast({ ...delivery.event, retry_count: delivery.retries }, upcasters);
      const context = new CallContext(delivery.retries + 1);
      const handling = typeof handler === 'function' ? handler(event, context) : handler.handle(event, context);
      // most handlers of a memory broker return at once: no timer for those
      if (typeof (handling as PromiseLike<unknown> | undefined)?.then !== 'function') return undefined;
      const cut = new Promise<never>((_, reject) => {
        const end = (error: unknown) => {
          context.abort(error);
          reject(error as Error);
        };
        if (timeoutMs !== Infinity)
          timer = setTimeout(() => end(new Error(`no result within ${timeoutMs} ms`)), timeoutMs);
        onEnd = () => end(this.ending.signal.reason);
        this.ending.signal.addEventListener('abort', onEnd);
      });
      await Promise.race([handling, cut]);
      return undefined;
    } catch (error) {
      return { subscription, error };
    } finally {
      clearTimeout(timer);
      if (onEnd) this.ending.signal.removeEventListener('abort', onEnd);
    }
  }
}
