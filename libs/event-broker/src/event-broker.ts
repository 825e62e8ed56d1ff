import { randomUUID } from 'node:crypto';
import { within } from '@tocsin/timing/deadline';
import { Attempts } from './attempts';
import { BrokerError } from './broker-error';
import { withDefaults, type EventBrokerOptions, type ProcessingMode } from './broker-options';
import { Delivery, HandlerCalls, type HandlerFailure } from './delivery';
import { newEvent, validateEvent, type BrokerEvent, type EventDraft } from './event';
import type { EventFilter, EventProvider, ProviderStats, TransactionClient } from './event-provider';
import { GroupClaims } from './group-claims';
import { guarded, tell } from './listeners';
import { RemoteEvents } from './remote-events';
import { retryDelayMs } from './retry-policy';
import { Subscriptions, type EventHandler, type SubscribeOptions } from './subscriptions';
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

export interface BrokerStats {
  instance_id: string;
  mode: ProcessingMode;
  is_running: boolean;
  total_published: number;
  total_processed: number;
  total_failed: number;
  active_subscribers: number;
  queue_size: number;
  active_workers: number;
  provider_stats: ProviderStats;
  additional_stats: Record<string, unknown>;
}

export interface Replay extends Pick<EventFilter, 'pattern' | 'source' | 'schema' | 'entity' | 'operation'> {
  /** Begins after the event of this id. */
  from_id?: string;
  /** Begins at this instant. */
  since?: Date;
}

/**
 * Publishes events, and calls the handlers whose patterns match: at least once, on this instance and, through the
 * provider, on all others. Handlers must be idempotent. The status of an event is that of its handlers on the instance
 * that published it; a handler elsewhere that used up its attempts makes it `failed` too, until it is redriven.
 */
export class EventBroker {
  readonly instanceId: string;
  readonly mode: ProcessingMode;
  readonly provider: EventProvider;
  private readonly settings: ReturnType<typeof withDefaults>;
  private readonly subscriptions = new Subscriptions();
  /** Marks what this run of the process has published, so that its own stream leaves it out. */
  private readonly origin = randomUUID();
  private readonly trouble: (error: unknown) => void;
  private readonly claims: GroupClaims;
  private readonly calls: HandlerCalls;
  private readonly attempts: Attempts;
  private readonly remote: RemoteEvents;
  private readonly turns: SyncTurns;
  private pool: WorkerPool<Delivery> | undefined;
  private state: 'running' | 'stopping' | 'stopped' = 'running';
  private stopping: Promise<BrokerStopped> | undefined;
  private published = 0;

  constructor(private readonly options: EventBrokerOptions = {}) {
    this.settings = withDefaults(options);
    this.trouble = guarded(options.onTrouble);
    const { provider, instanceId, policy, handlerTimeoutMs, claimLeaseMs, upcasters } = this.settings;
    this.instanceId = instanceId;
    this.mode = this.settings.mode;
    this.provider = provider;
    this.turns = new SyncTurns(this.settings.bufferSize);
    const onTrouble = this.trouble;
    this.claims = new GroupClaims({
      provider,
      instanceId,
      leaseMs: claimLeaseMs,
      groups: () => this.subscriptions.groups(),
      takeOver: ({ id, group }) => this.takeOver(id, group),
      onTrouble,
    });
    this.calls = new HandlerCalls({
      claims: this.claims,
      isSubscribed: (subscription) => this.subscriptions.has(subscription),
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
      told: options,
      onTrouble,
    });
    this.remote = new RemoteEvents({
      provider,
      origin: this.origin,
      instanceId,
      patterns: () => this.subscriptions.patterns(),
      hears: (type) => this.hears(type),
      arrive: (event, isOwn) => this.arrive(event, isOwn),
      onTrouble,
    });
    options.metrics?.observeQueue(() => this.pool?.queueSize ?? 0);
  }

  get isRunning(): boolean {
    return this.pool !== undefined && this.state === 'running';
  }

  /**
   * Opens the provider, hears other instances, and takes up what this instance left unfinished, as far as a
   * subscription hears it: subscribe before. May be called twice.
   */
  async start(): Promise<void> {
    if (this.pool) return;
    const { workerCount, bufferSize } = this.settings;
    this.pool = new WorkerPool(workerCount, bufferSize, (delivery) => this.work(delivery));
    try {
      await this.provider.open();
      await this.remote.start();
      this.claims.start();
    } catch (error) {
      this.pool = undefined;
      throw error;
    }
  }

  /**
   * Handles the events that wait (retries without a pause) and closes the provider. What is unfinished after
   * `timeoutMs` (default 30,000), what fails meanwhile and what is published meanwhile is `pending`, and this instance
   * takes it up when it starts next. The provider has 2 s more to record this and to close; a silent one is left
   * behind. May be called twice; a stopped broker does not start again.
   */
  stop(timeoutMs = 30_000): Promise<BrokerStopped> {
    if (this.state === 'running') this.state = 'stopping';
    this.stopping ??= this.flush(timeoutMs);
    return this.stopping;
  }

  /** Resolves with the result of `publishSync` or `publishAsync`, as the mode says. */
  publish(draft: EventDraft): Promise<PublishResult> {
    return this.mode === 'sync' ? this.publishSync(draft) : this.publishAsync(draft);
  }

  /** Publishes several events with one round trip to the provider: all of them or none. */
  async publishBatch(drafts: readonly EventDraft[]): Promise<PublishResult[]> {
    const events = drafts.map((draft) => this.prepare(draft));
    if (this.mode === 'async' || this.state !== 'running') return this.enqueue(events);
    return this.turns.take(async () => {
      await this.give(events, this.origin);
      const results: PublishResult[] = [];
      for (const event of events) results.push(await this.handleNow(event));
      return results;
    });
  }

  /**
   * Resolves when all handlers on this instance have returned or have used up their attempts. Events are handled one
   * after the other, in the order of the calls.
   */
  async publishSync(draft: EventDraft): Promise<PublishResult> {
    const event = this.prepare(draft);
    if (this.state !== 'running') return (await this.enqueue([event]))[0]!;
    return this.turns.take(async () => {
      await this.give([event], this.origin);
      return this.handleNow(event);
    });
  }

  /** Resolves when the event is stored; a worker handles it. Rejects with `queue_full` before anything is stored. */
  async publishAsync(draft: EventDraft): Promise<PublishResult> {
    return (await this.enqueue([this.prepare(draft)]))[0]!;
  }

  /**
   * Publishes within the transaction that `client` has open in the provider's database. The handlers are called after
   * the commit; after a rollback there was no event. Neither `total_published` nor the metric counts these events, as
   * their commit is not known here. Once the broker was started this is always possible: what is published while it
   * stops, or later, is taken up when this instance starts next. Throws `invalid_configuration` when the provider is in
   * no database.
   */
  async publishWithin(client: TransactionClient, drafts: readonly EventDraft[]): Promise<string[]> {
    const { provider } = this;
    if (!provider.publishWithin)
      throw new BrokerError('invalid_configuration', 'publishWithin needs the database provider.');
    const events = drafts.map((draft) => this.prepare(draft));
    await provider.publishWithin(client, events);
    return events.map(({ id }) => id);
  }

  /**
   * Publishes several events that come to this instance as to all others, by the provider's stream: there they wait
   * until there is room, and are never refused with `queue_full`. For what has happened already, such as changes that
   * are committed. In both modes workers handle them. Returns their ids.
   */
  async publishThroughStream(drafts: readonly EventDraft[]): Promise<string[]> {
    const events = drafts.map((draft) => this.prepare(draft));
    return (await this.leave(events, undefined)).map(({ id }) => id);
  }

  /** Calls the handler for each event whose type matches. Returns the id of the subscription. */
  subscribe<Payload = unknown>(
    pattern: string,
    handler: EventHandler<Payload>,
    options: SubscribeOptions = {},
  ): string {
    return this.subscriptions.add(pattern, handler as EventHandler, options);
  }

  /**
   * Returns false when there is no such subscription. A call of its handler that is under way goes on, and no other
   * begins, also for events that wait.
   */
  unsubscribe(id: string): boolean {
    return this.subscriptions.remove(id);
  }

  /** Whether a handler of this instance hears events of the type. */
  hears(type: string): boolean {
    return this.subscriptions.match(type).length > 0;
  }

  /**
   * Gives stored events once more, in the order of their publication: to `handler`, or to the subscriptions of this
   * instance. Their status does not change. Returns how many there were; rejects with the first error of a handler, and
   * with `worker_pool_stopped` when the broker has stopped.
   */
  async replay({ from_id, since, ...filter }: Replay, handler?: EventHandler): Promise<number> {
    let count = 0;
    for (let after_id = from_id; ;) {
      const page = await this.provider.list({ ...filter, after_id, start_time: since, limit: 500 });
      for (const event of page) {
        const to = handler
          ? [{ id: '', pattern: '*', name: 'replay', group: undefined, handler }]
          : this.subscriptions.match(event.type);
        const [failure] = await this.calls.callAll(new Delivery(event, false, to, true));
        if (failure) throw failure.error;
        count += 1;
      }
      after_id = page.at(-1)?.id;
      if (page.length < 500 || after_id === undefined) return count;
    }
  }

  /** Returns the events whose handlers used up their attempts, in the order of their publication. */
  deadLetters(filter: Omit<EventFilter, 'status'> = {}): Promise<BrokerEvent[]> {
    return this.provider.list({ ...filter, status: 'failed' });
  }

  /**
   * Handles a dead letter once more, on this instance, with new attempts: call it where the handler is that failed.
   * Rejects with `unknown_event` for other events, and with `no_handler` when no subscription here hears the event:
   * then it stays a dead letter.
   */
  async redrive(id: string): Promise<PublishResult> {
    const event = await this.provider.get(id);
    if (event?.status !== 'failed') throw new BrokerError('unknown_event', 'There is no dead letter of this id.');
    if (!this.hears(event.type)) throw new BrokerError('no_handler', `This instance has no handler for ${event.type}.`);
    const pool = this.running();
    pool.reserve();
    try {
      await this.provider.reopenClaims(id);
      await this.provider.updateStatus([{ id, status: 'pending', retry_count: 0, redriven: true, at: new Date() }]);
    } catch (error) {
      pool.giveBack();
      throw error;
    }
    pool.enqueue(new Delivery({ ...event, retry_count: 0 }, true, this.subscriptions.match(event.type)));
    return { id, status: 'pending', failures: [] };
  }

  async stats(): Promise<BrokerStats> {
    return {
      instance_id: this.instanceId,
      mode: this.mode,
      is_running: this.isRunning,
      total_published: this.published,
      total_processed: this.attempts.total.processed,
      total_failed: this.attempts.total.failed,
      active_subscribers: this.subscriptions.size,
      queue_size: this.pool?.queueSize ?? 0,
      active_workers: this.pool?.activeWorkers ?? 0,
      provider_stats: await this.provider.stats(),
      additional_stats: { sync_waiting: this.turns.waiting, patterns: this.subscriptions.patterns().length },
    };
  }

  private running(): WorkerPool<Delivery> {
    if (!this.pool || this.state === 'stopped') throw new BrokerError('worker_pool_stopped');
    return this.pool;
  }

  private prepare(draft: EventDraft): BrokerEvent {
    if (!this.pool) throw new BrokerError('worker_pool_stopped');
    const event = newEvent(draft);
    if (event.instance_id === '') event.instance_id = this.instanceId;
    validateEvent(event);
    // without a handler here nothing is left to do: it is stored as completed, in the same step
    if (!this.hears(event.type)) {
      event.status = 'completed';
      event.processed_at = event.completed_at = event.created_at;
    }
    return event;
  }

  private async give(events: readonly BrokerEvent[], origin: string | undefined): Promise<void> {
    const given = this.provider.publish(events, origin);
    if (given) await given;
    this.published += events.length;
    const { metrics } = this.options;
    if (metrics) for (const event of events) tell(() => metrics.published(event), this.trouble);
  }

  private async enqueue(events: readonly BrokerEvent[]): Promise<PublishResult[]> {
    const pool = this.running();
    if (this.state === 'stopping') return this.leave(events, this.origin);
    // the places are taken before anything is stored, so that no event is stored that is not handled
    pool.reserve(events.length);
    try {
      await this.give(events, this.origin);
    } catch (error) {
      pool.giveBack(events.length);
      throw error;
    }
    return events.map((event): PublishResult => {
      if (event.status === 'completed') {
        pool.giveBack();
        this.attempts.count(new Delivery(event, true, []), 'completed');
        return { id: event.id, status: 'completed', failures: [] };
      }
      pool.enqueue(new Delivery(event, true, this.subscriptions.match(event.type)));
      return { id: event.id, status: 'pending', failures: [] };
    });
  }

  /**
   * Gives events to the provider only: while the broker stops, what handlers publish that finish their work, and what
   * without an origin comes back by the stream.
   */
  private async leave(events: readonly BrokerEvent[], origin: string | undefined): Promise<PublishResult[]> {
    this.running();
    await this.give(events, origin);
    return events.map((event): PublishResult => {
      const isCompleted = event.status === 'completed';
      if (isCompleted) this.attempts.count(new Delivery(event, true, []), 'completed');
      else if (this.state !== 'running') this.attempts.unfinished.push(event.id);
      return { id: event.id, status: isCompleted ? 'completed' : 'pending', failures: [] };
    });
  }

  private async handleNow(event: BrokerEvent): Promise<PublishResult> {
    const delivery = new Delivery(event, true, this.subscriptions.match(event.type));
    for (;;) {
      const outcome = await this.attempts.make(delivery);
      if (outcome !== 'retry') return { id: event.id, status: outcome, failures: delivery.failures };
      await this.calls.pause(retryDelayMs(delivery.retries, this.settings.policy));
    }
  }

  /**
   * Takes an event of another instance, of a transaction of this one, or of the time before a restart. Waits for a
   * place in the queue.
   */
  private async arrive(event: BrokerEvent, isOwn: boolean): Promise<void> {
    const to = this.subscriptions.match(event.type);
    const { pool } = this;
    if (to.length === 0 && isOwn) await this.attempts.settle(event.id, 'completed', 0);
    if (to.length === 0 || !pool || !(await pool.reserveWhenFree())) return;
    pool.enqueue(new Delivery(event, isOwn, to));
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
    const delivery = new Delivery(event, false, to);
    // claimed now, so that no other instance, and not the next sweep, finds it while it waits for a worker
    const isMine = await this.claims.take(delivery, group).catch(this.trouble);
    if (isMine) pool.enqueue(delivery);
    else pool.giveBack();
  }

  private async work(delivery: Delivery): Promise<void> {
    const outcome = await this.attempts.make(delivery);
    if (outcome === 'retry') this.pool!.enqueueLater(delivery, retryDelayMs(delivery.retries, this.settings.policy));
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
    if (this.options.closeProvider !== false) await this.inTime(this.provider.close(), 'close');
    return { unfinished: [...this.attempts.unfinished, ...left.map(({ event }) => event.id)] };
  }

  /** Waits for the provider, which may be away, but not for long. What it has not recorded is taken up all the same. */
  private async inTime(work: Promise<unknown>, what: string): Promise<void> {
    const late = () => this.trouble(new Error(`The provider did not ${what} within ${CLOSING_MS} ms.`));
    await within(CLOSING_MS, work, late);
  }
}

export interface BrokerStopped {
  /**
   * The ids of events that no worker had begun, that failed while the broker stopped, or that were published meanwhile.
   * Those of this instance are `pending`.
   */
  unfinished: string[];
}
