import { within } from '@tocsin/timing/deadline';
import { Attempts } from './attempts';
import { BrokerError } from './broker-error';
import type { BrokerSettings, EventBrokerOptions } from './broker-options';
import { Delivery, HandlerCalls, type DeliveryKind, type HandlerFailure } from './delivery';
import type { BrokerEvent } from './event';
import type { EventProvider } from './event-provider';
import { GroupClaims } from './group-claims';
import { RemoteEvents } from './remote-events';
import { retryDelayMs } from './retry-policy';
import type { Subscription, Subscriptions } from './subscriptions';
import { SyncTurns } from './sync-turns';
import { WorkerPool } from './worker-pool';

/** How long the provider may take to record what is unfinished, and to close, in milliseconds each. */
const CLOSING_MS = 1_000;

/**
 * `pending`: a worker handles it, or, when it was published while the broker stops, this instance after its next start.
 * `failures` names each handler that used up its attempts. Publishing never rejects because of a handler that failed.
 */
export interface PublishResult {
  id: string;
  status: 'pending' | 'completed' | 'failed';
  failures: readonly HandlerFailure[];
}

export interface BrokerStopped {
  /**
   * The ids of events that no worker had begun, that failed while the broker stopped, or that were published meanwhile.
   * Those of this instance are `pending`, and dead letters that were redriven are dead letters. Those of others are
   * dead letters too, unless only handlers in groups are left: an instance of the group handles them, be it this one
   * after its next start.
   */
  unfinished: string[];
}

export interface EventHandlingOptions {
  settings: BrokerSettings;
  subscriptions: Subscriptions;
  /** Marks the events that are stored here, which the stream leaves out. */
  origin: string;
  /** The broker's own options, for its listeners and for the end of the provider. */
  given: Pick<EventBrokerOptions, 'metrics' | 'onDeadLetter' | 'closeProvider'>;
  onTrouble: (error: unknown) => void;
}

/**
 * Has events handled by the subscriptions of this instance, from the start of the broker to its stop: those that are
 * published here, and those that come from elsewhere or from before a restart.
 */
export class EventHandling {
  private readonly provider: EventProvider;
  private readonly subscriptions: Subscriptions;
  private readonly claims: GroupClaims;
  private readonly calls: HandlerCalls;
  private readonly attempts: Attempts;
  private readonly remote: RemoteEvents;
  private readonly turns: SyncTurns;
  private pool: WorkerPool<Delivery> | undefined;
  private state: 'running' | 'stopping' | 'stopped' = 'running';
  private stopping: Promise<BrokerStopped> | undefined;

  constructor(private readonly options: EventHandlingOptions) {
    const { settings, subscriptions, origin, given, onTrouble } = options;
    const { provider, instanceId, policy, handlerTimeoutMs, claimLeaseMs, upcasters } = settings;
    this.provider = provider;
    this.subscriptions = subscriptions;
    this.turns = new SyncTurns(settings.bufferSize);
    this.claims = new GroupClaims({
      provider,
      instanceId,
      leaseMs: claimLeaseMs,
      groups: () => subscriptions.groups(),
      takeOver: ({ id, group }) => this.takeOver(id, group),
      onTrouble,
    });
    this.calls = new HandlerCalls({
      claims: this.claims,
      isSubscribed: (subscription) => subscriptions.has(subscription),
      timeoutMs: handlerTimeoutMs,
      upcasters,
    });
    this.attempts = new Attempts({
      provider,
      instanceId,
      maxRetries: policy.maxRetries,
      claims: this.claims,
      calls: this.calls,
      isStopping: () => this.state !== 'running',
      told: given,
      onTrouble,
    });
    this.remote = new RemoteEvents({
      provider,
      origin,
      instanceId,
      patterns: () => subscriptions.patterns(),
      hears: (type) => subscriptions.hears(type),
      arrive: (event, isOwn) => this.arrive(event, isOwn ? 'own' : 'others'),
      onTrouble,
    });
  }

  /** Also true when it has stopped since. */
  get hasStarted(): boolean {
    return this.pool !== undefined;
  }

  get isRunning(): boolean {
    return this.hasStarted && this.state === 'running';
  }

  get queueSize(): number {
    return this.pool?.queueSize ?? 0;
  }

  get activeWorkers(): number {
    return this.pool?.activeWorkers ?? 0;
  }

  /** How many calls of `handleNow` wait or are under way. */
  get turnsWaiting(): number {
    return this.turns.waiting;
  }

  /** How many events have been handled on this instance. */
  get total(): Attempts['total'] {
    return this.attempts.total;
  }

  /** Opens the provider. May be called twice. */
  async start(): Promise<void> {
    if (this.pool) return;
    const { settings, onTrouble } = this.options;
    this.pool = new WorkerPool(settings.workerCount, settings.bufferSize, (delivery) => this.work(delivery), onTrouble);
    try {
      await this.provider.open();
      await this.remote.start();
      this.claims.start();
    } catch (error) {
      this.pool = undefined;
      throw error;
    }
  }

  /** Handles what waits, and closes the provider unless brokers share it. May be called twice. */
  stop(timeoutMs: number): Promise<BrokerStopped> {
    if (this.state === 'running') this.state = 'stopping';
    this.stopping ??= this.flush(timeoutMs);
    return this.stopping;
  }

  /** When its turn has come, stores the events and handles them one after the other. From `stop` on as `handleSoon`. */
  async handleNow(events: readonly BrokerEvent[], store: () => Promise<void>): Promise<PublishResult[]> {
    if (this.state !== 'running') return this.handleSoon(events, store);
    return this.turns.take(async () => {
      await store();
      const results: PublishResult[] = [];
      for (const event of events) results.push(await this.finish(event));
      return results;
    });
  }

  /** Stores the events, which workers handle; while the broker stops, this instance after its next start. */
  handleSoon(events: readonly BrokerEvent[], store: () => Promise<void>): Promise<PublishResult[]> {
    return this.state === 'stopping' ? this.leave(events, store) : this.enqueue(events, store);
  }

  /**
   * Stores the events only: while the broker stops, what handlers publish that finish their work, and what without an
   * origin comes back by the stream.
   */
  async leave(events: readonly BrokerEvent[], store: () => Promise<void>): Promise<PublishResult[]> {
    this.running();
    await store();
    return events.map((event): PublishResult => {
      const isCompleted = event.status === 'completed';
      if (isCompleted) this.attempts.count(new Delivery(event, 'own', []), 'completed');
      else if (this.state !== 'running') this.attempts.unfinished.push(event.id);
      return { id: event.id, status: isCompleted ? 'completed' : 'pending', failures: [] };
    });
  }

  /** Has workers handle a dead letter once more, unless they are at it. It stays one until they have done so. */
  async redrive(letter: BrokerEvent): Promise<PublishResult> {
    const { id } = letter;
    const { redriven } = this.attempts;
    if (!redriven.has(id)) {
      redriven.add(id);
      try {
        await this.enqueue([{ ...letter, retry_count: 0 }], () => this.provider.reopenClaims(id), 'redriven');
      } catch (error) {
        redriven.delete(id);
        throw error;
      }
    }
    return { id, status: 'pending', failures: [] };
  }

  /** Calls the handlers once, and leaves the status as it is. Rejects with the first error of a handler. */
  async replay(event: BrokerEvent, to: readonly Subscription[]): Promise<void> {
    const [failure] = await this.calls.callAll(new Delivery(event, 'replay', to));
    if (failure) throw failure.error;
  }

  /** Stores the events for workers. Rejects with `queue_full` or `worker_pool_stopped` before anything is stored. */
  private async enqueue(
    events: readonly BrokerEvent[],
    store: () => Promise<void>,
    kind: DeliveryKind = 'own',
  ): Promise<PublishResult[]> {
    const pool = this.running();
    // the places are taken before anything is stored, so that no event is stored that is not handled
    pool.reserve(events.length);
    try {
      await store();
    } catch (error) {
      pool.giveBack(events.length);
      throw error;
    }
    return events.map((event): PublishResult => {
      if (event.status === 'completed') {
        pool.giveBack();
        this.attempts.count(new Delivery(event, kind, []), 'completed');
        return { id: event.id, status: 'completed', failures: [] };
      }
      pool.enqueue(new Delivery(event, kind, this.subscriptions.match(event.type)));
      return { id: event.id, status: 'pending', failures: [] };
    });
  }

  private running(): WorkerPool<Delivery> {
    if (!this.pool || this.state === 'stopped') throw new BrokerError('worker_pool_stopped');
    return this.pool;
  }

  private async finish(event: BrokerEvent): Promise<PublishResult> {
    const delivery = new Delivery(event, 'own', this.subscriptions.match(event.type));
    for (;;) {
      const outcome = await this.attempts.make(delivery);
      if (outcome !== 'retry') return { id: event.id, status: outcome, failures: delivery.failures };
      await this.calls.pause(retryDelayMs(delivery.retries, this.options.settings.policy));
    }
  }

  /**
   * Takes an event of another instance, of a transaction of this one, or of the time before a restart. Waits for a
   * place in the queue.
   */
  private async arrive(event: BrokerEvent, kind: 'own' | 'others'): Promise<void> {
    const to = this.subscriptions.match(event.type);
    const { pool } = this;
    if (to.length === 0 && kind === 'own') await this.attempts.settle(event.id, 'completed', 0);
    if (to.length === 0 || !pool || !(await pool.reserveWhenFree())) return;
    pool.enqueue(new Delivery(event, kind, to));
  }

  /**
   * Takes an event that an instance of the group had claimed and did not finish. The instance that claims it now
   * handles it.
   */
  private async takeOver(id: string, group: string): Promise<void> {
    const event = await this.provider.get(id);
    if (!event) return;
    const to = this.subscriptions.match(event.type).filter((subscription) => subscription.group === group);
    const { pool } = this;
    if (to.length === 0 || !pool || !(await pool.reserveWhenFree())) return;
    const delivery = new Delivery(event, 'others', to);
    // claimed now, so that no other instance, and not the next sweep, finds it while it waits for a worker
    const isMine = await this.claims.take(delivery, group).catch(this.options.onTrouble);
    if (isMine) pool.enqueue(delivery);
    else pool.giveBack();
  }

  private async work(delivery: Delivery): Promise<void> {
    const { policy } = this.options.settings;
    const outcome = await this.attempts.make(delivery);
    if (outcome === 'retry') this.pool!.enqueueLater(delivery, retryDelayMs(delivery.retries, policy));
  }

  private async flush(timeoutMs: number): Promise<BrokerStopped> {
    const until = performance.now() + timeoutMs;
    this.calls.hurry();
    // The readers may wait for a place in the queue, which the pool refuses them once it stops: so all stop at the same
    // time. What they give up waits in the provider.
    const readers = Promise.all([this.remote.stop(), this.claims.stop()]);
    const [left = []] = await Promise.all([this.pool?.stop(timeoutMs), within(timeoutMs, readers, () => undefined)]);
    await within(Math.max(0, until - performance.now()), this.turns.ended(), () => undefined);
    this.state = 'stopped';
    this.turns.end();
    this.calls.end();
    // calls that were cut put on record what becomes of their events
    const recorded = Promise.all([this.attempts.leave(left), this.pool?.idle(), this.turns.ended()]);
    await this.inTime(recorded, 'record what is unfinished');
    if (this.options.given.closeProvider !== false) await this.inTime(this.provider.close(), 'close');
    const begun = new Set(this.attempts.unfinished);
    for (const { event } of left) begun.delete(event.id);
    return { unfinished: [...begun, ...left.map(({ event }) => event.id)] };
  }

  /**
   * Waits for the provider, which may be away, but not for long. What it has not recorded of own events is taken up all
   * the same.
   */
  private async inTime(work: Promise<unknown>, what: string): Promise<void> {
    const late = () => this.options.onTrouble(new Error(`The provider did not ${what} within ${CLOSING_MS} ms.`));
    await within(CLOSING_MS, work, late);
  }
}
