import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { BrokerError } from './broker-error';
import { newEvent, validateEvent, type BrokerEvent, type EventDraft } from './event';
import type { EventFilter, EventProvider, ProviderStats, TransactionClient } from './event-provider';
import type { BrokerMetrics } from './broker-metrics';
import { GroupClaims } from './group-claims';
import { Delivery, HandlerCalls, type EventHandler, type HandlerFailure, type Subscription } from './delivery';
import { PatternTrie } from './pattern-trie';
import { DEFAULT_RETRY_POLICY, retryDelayMs, type RetryPolicy } from './retry-policy';
import { MemoryProvider } from './providers/memory-provider';
import { RemoteEvents } from './remote-events';
import type { Upcasters } from './upcasters';
import { WorkerPool } from './worker-pool';

export type ProcessingMode = 'sync' | 'async';

const CLAIM_SLACK_MS = 5_000;

export interface EventBrokerOptions {
  /** Default: a `MemoryProvider`. */
  provider?: EventProvider;
  /** What `publish` does. Default `async`. */
  mode?: ProcessingMode;
  /** How many events are handled at the same time in async mode. Default 10. */
  workerCount?: number;
  /** How many events may wait, in async mode and in sync mode each. Default 1,000. */
  bufferSize?: number;
  retryPolicy?: Partial<RetryPolicy>;
  /**
   * Unique for each process, and the same after its restart: what it left unfinished is found by it. Default: the name
   * of the host.
   */
  instanceId?: string;
  /**
   * How long one call of a handler may take, in milliseconds. Then its signal aborts and it has failed. Default 30,000.
   */
  handlerTimeoutMs?: number;
  /** Default: none are counted. `PrometheusMetrics` has the names that dashboards know. */
  metrics?: BrokerMetrics;
  /**
   * How long an event stays with the instance of a group that has claimed it, in milliseconds, counted from each
   * attempt. If that instance is killed, another handles the event after this time and at most a quarter of it.
   * Default: the time of a call, the longest pause before a retry, and 5 s, so 65 s.
   */
  claimLeaseMs?: number;
  upcasters?: Upcasters;
  /** Called for each dead letter. */
  onDeadLetter?: (event: BrokerEvent, failures: readonly HandlerFailure[]) => void;
  /** Called when the provider fails in the background. The broker goes on by itself. */
  onTrouble?: (error: unknown) => void;
  /** Whether `stop` closes the provider. Default true; false when brokers share one. */
  closeProvider?: boolean;
}

/** `failures` names each handler that used up its attempts; a handler never fails what published. */
export interface PublishResult {
  id: string;
  status: 'pending' | 'completed' | 'failed';
  failures: readonly HandlerFailure[];
}

export interface SubscribeOptions {
  /**
   * Without a group every instance hears every event. Of the instances that subscribe with the same group, one handles
   * each event.
   */
  group?: string;
  /** What errors call it. Default: its pattern. */
  name?: string;
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
 * that published it; a handler elsewhere that used up its attempts makes it `failed` too.
 */
export class EventBroker {
  readonly instanceId: string;
  readonly mode: ProcessingMode;
  readonly provider: EventProvider;
  private readonly options: EventBrokerOptions;
  private readonly policy: RetryPolicy;
  private readonly bufferSize: number;
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly trie = new PatternTrie<Subscription>();
  /** What this run of this process has published: its own stream leaves it out. */
  private readonly origin = randomUUID();
  private readonly claims: GroupClaims;
  private readonly calls: HandlerCalls;
  private readonly remote: RemoteEvents;
  private readonly insideHandler = new AsyncLocalStorage<true>();
  private pool: WorkerPool<Delivery> | undefined;
  private stopping: Promise<BrokerStopped> | undefined;
  private syncTail: Promise<unknown> = Promise.resolve();
  private syncWaiting = 0;
  private readonly totals = { published: 0, processed: 0, failed: 0 };

  constructor(options: EventBrokerOptions = {}) {
    this.options = options;
    this.provider = options.provider ?? new MemoryProvider();
    this.mode = options.mode ?? 'async';
    this.instanceId = options.instanceId ?? hostname();
    this.bufferSize = options.bufferSize ?? 1_000;
    this.policy = { ...DEFAULT_RETRY_POLICY, ...options.retryPolicy };
    for (const [name, value, least] of [
      ['workerCount', options.workerCount ?? 10, 1],
      ['bufferSize', this.bufferSize, 1],
      ['maxRetries', this.policy.maxRetries, 0],
    ] as const)
      if (!Number.isSafeInteger(value) || value < least)
        throw new BrokerError('invalid_configuration', `${name} is a whole number from ${least}.`);
    const timeoutMs = options.handlerTimeoutMs ?? 30_000;
    this.claims = new GroupClaims({
      provider: this.provider,
      instanceId: this.instanceId,
      leaseMs: options.claimLeaseMs ?? timeoutMs + this.policy.maxDelayMs + CLAIM_SLACK_MS,
      groups: () => [...new Set([...this.subscriptions.values()].flatMap(({ group }) => group ?? []))],
      takeOver: ({ id, group }) => this.takeOver(id, group),
      onTrouble: (error) => this.trouble(error),
    });
    this.calls = new HandlerCalls({
      claims: this.claims,
      timeoutMs,
      upcasters: options.upcasters ?? {},
    });
    this.remote = new RemoteEvents({
      provider: this.provider,
      origin: this.origin,
      instanceId: this.instanceId,
      patterns: () => [...new Set([...this.subscriptions.values()].map(({ pattern }) => pattern))],
      arrive: (event, isOwn) => this.arrive(event, isOwn),
      onTrouble: (error) => this.trouble(error),
    });
    options.metrics?.observeQueue(() => this.pool?.queueSize ?? 0);
  }

  get isRunning(): boolean {
    return this.pool !== undefined && this.stopping === undefined;
  }

  /**
   * Opens the provider, hears other instances, and takes up what this instance left unfinished. May be called twice.
   */
  async start(): Promise<void> {
    if (this.pool) return;
    this.pool = new WorkerPool(this.options.workerCount ?? 10, this.bufferSize, (delivery) => this.work(delivery));
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
   * Takes nothing more, handles what waits (retries at once) and closes the provider. What is unfinished after
   * `timeoutMs` (default 30,000) becomes `pending` again, and this instance takes it up when it starts next. May be
   * called twice; a stopped broker does not start again.
   */
  stop(timeoutMs = 30_000): Promise<BrokerStopped> {
    this.stopping ??= this.flush(timeoutMs);
    return this.stopping;
  }

  /** Resolves with the result of `publishSync` or `publishAsync`, as the mode says. */
  publish(draft: EventDraft): Promise<PublishResult> {
    return this.mode === 'sync' ? this.publishSync(draft) : this.publishAsync(draft);
  }

  /** Several at once: one round trip to the provider. All are published or none. */
  async publishBatch(drafts: readonly EventDraft[]): Promise<PublishResult[]> {
    const events = drafts.map((draft) => this.prepare(draft));
    if (this.mode === 'async') return this.enqueue(events);
    return this.inOrder(async () => {
      await this.give(events);
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
    return this.inOrder(async () => {
      await this.give([event]);
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
   * their commit is not known here. Throws `invalid_configuration` when the provider is in no database.
   */
  async publishWithin(client: TransactionClient, drafts: readonly EventDraft[]): Promise<string[]> {
    const { provider } = this;
    if (!provider.publishWithin)
      throw new BrokerError('invalid_configuration', 'publishWithin needs the database provider.');
    const events = drafts.map((draft) => this.prepare(draft));
    await provider.publishWithin(client, events);
    return events.map(({ id }) => id);
  }

  /** Calls the handler for each event whose type matches. Returns the id of the subscription. */
  subscribe<Payload = unknown>(
    pattern: string,
    handler: EventHandler<Payload>,
    options: SubscribeOptions = {},
  ): string {
    const subscription: Subscription = {
      id: randomUUID(),
      pattern,
      handler: handler as EventHandler,
      group: options.group,
      name: options.name ?? pattern,
    };
    this.trie.add(pattern, subscription);
    this.subscriptions.set(subscription.id, subscription);
    return subscription.id;
  }

  /** False when there is no such subscription. What its handler has begun it finishes. */
  unsubscribe(id: string): boolean {
    const subscription = this.subscriptions.get(id);
    if (!subscription) return false;
    this.subscriptions.delete(id);
    return this.trie.remove(subscription.pattern, subscription);
  }

  /** Whether a handler of this instance hears events of the type. */
  hears(type: string): boolean {
    return this.trie.match(type).length > 0;
  }

  /**
   * Gives stored events once more, in the order of their publication: to `handler`, or to the subscriptions of this
   * instance. Their status stays. Returns how many there were; rejects with the first error of a handler.
   */
  async replay({ from_id, since, ...filter }: Replay, handler?: EventHandler): Promise<number> {
    let count = 0;
    for (let after_id = from_id; ;) {
      const page = await this.provider.list({ ...filter, after_id, start_time: since, limit: 500 });
      for (const event of page) {
        const to = handler
          ? [{ id: '', pattern: '*', name: 'replay', group: undefined, handler }]
          : this.trie.match(event.type);
        const [failure] = await this.calls.callAll(new Delivery(event, false, to, true));
        if (failure) throw failure.error;
        count += 1;
      }
      after_id = page.at(-1)?.id;
      if (page.length < 500 || after_id === undefined) return count;
    }
  }

  /** Events whose handlers used up their attempts, in the order of their publication. */
  deadLetters(filter: Omit<EventFilter, 'status'> = {}): Promise<BrokerEvent[]> {
    return this.provider.list({ ...filter, status: 'failed' });
  }

  /** Handles a dead letter once more, on this instance, with new attempts. Rejects with `unknown_event` for others. */
  async redrive(id: string): Promise<PublishResult> {
    const event = await this.provider.get(id);
    if (event?.status !== 'failed') throw new BrokerError('unknown_event', 'There is no dead letter of this id.');
    this.running().reserve();
    try {
      await this.provider.reopenClaims(id);
      await this.provider.updateStatus([{ id, status: 'pending', retry_count: 0, at: new Date() }]);
    } catch (error) {
      this.running().giveBack();
      throw error;
    }
    this.running().enqueue(new Delivery({ ...event, retry_count: 0 }, true, this.trie.match(event.type)));
    return { id, status: 'pending', failures: [] };
  }

  async stats(): Promise<BrokerStats> {
    return {
      instance_id: this.instanceId,
      mode: this.mode,
      is_running: this.isRunning,
      total_published: this.totals.published,
      total_processed: this.totals.processed,
      total_failed: this.totals.failed,
      active_subscribers: this.subscriptions.size,
      queue_size: this.pool?.queueSize ?? 0,
      active_workers: this.pool?.activeWorkers ?? 0,
      provider_stats: await this.provider.stats(),
      additional_stats: { sync_waiting: this.syncWaiting, patterns: new Set(this.patterns()).size },
    };
  }

  private patterns(): string[] {
    return [...this.subscriptions.values()].map(({ pattern }) => pattern);
  }

  private running(): WorkerPool<Delivery> {
    if (!this.pool || this.stopping) throw new BrokerError('worker_pool_stopped');
    return this.pool;
  }

  private prepare(draft: EventDraft): BrokerEvent {
    this.running();
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

  private async give(events: readonly BrokerEvent[]): Promise<void> {
    const given = this.provider.publish(events, this.origin);
    if (given) await given;
    this.totals.published += events.length;
    for (const event of events) this.options.metrics?.published(event);
  }

  private async enqueue(events: readonly BrokerEvent[]): Promise<PublishResult[]> {
    const pool = this.running();
    // the places are taken before anything is stored, so that no event is stored that is not handled
    pool.reserve(events.length);
    try {
      await this.give(events);
    } catch (error) {
      pool.giveBack(events.length);
      throw error;
    }
    return events.map((event): PublishResult => {
      if (event.status === 'completed') {
        pool.giveBack();
        this.processed(new Delivery(event, true, []), 'completed');
        return { id: event.id, status: 'completed', failures: [] };
      }
      pool.enqueue(new Delivery(event, true, this.trie.match(event.type)));
      return { id: event.id, status: 'pending', failures: [] };
    });
  }

  /**
   * Runs the work after all that was given before. A handler that publishes runs its own at once: it holds the turn.
   */
  private async inOrder<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.insideHandler.getStore()) return work();
    if (this.syncWaiting >= this.bufferSize) throw new BrokerError('queue_full');
    this.syncWaiting += 1;
    const turn = this.syncTail.then(() => this.insideHandler.run(true, work)).finally(() => (this.syncWaiting -= 1));
    this.syncTail = turn.catch(() => undefined);
    return turn;
  }

  private async handleNow(event: BrokerEvent): Promise<PublishResult> {
    const delivery = new Delivery(event, true, this.trie.match(event.type));
    for (;;) {
      const outcome = await this.attempt(delivery);
      if (outcome !== 'retry') return { id: event.id, status: outcome, failures: delivery.failures };
      if (!this.stopping) await this.calls.pause(retryDelayMs(delivery.retries, this.policy));
    }
  }

  /** From another instance, from a transaction of this one, or from the time before a restart. Waits for a place. */
  private async arrive(event: BrokerEvent, isOwn: boolean): Promise<void> {
    const to = this.trie.match(event.type);
    const { pool } = this;
    if (to.length === 0 && isOwn) await this.settle(event.id, 'completed', 0);
    if (to.length === 0 || !pool || !(await pool.reserveWhenFree())) return;
    pool.enqueue(new Delivery(event, isOwn, to));
  }

  /** What an instance of the group had claimed and did not finish. Whichever instance claims it now handles it. */
  private async takeOver(id: string, group: string): Promise<void> {
    const event = await this.provider.get(id);
    if (!event) return;
    const to = this.trie.match(event.type).filter((subscription) => subscription.group === group);
    const { pool } = this;
    if (to.length === 0 || !pool || !(await pool.reserveWhenFree())) return;
    const delivery = new Delivery(event, false, to);
    // claimed now, so that no other instance, and not the next sweep, finds it while it waits for a worker
    const isMine = await this.claims.take(delivery, group).catch((error: unknown) => this.trouble(error));
    if (isMine) pool.enqueue(delivery);
    else pool.giveBack();
  }

  private async work(delivery: Delivery): Promise<void> {
    const outcome = await this.attempt(delivery);
    if (outcome === 'retry') this.pool!.enqueueLater(delivery, retryDelayMs(delivery.retries, this.policy));
  }

  private async attempt(delivery: Delivery): Promise<'completed' | 'failed' | 'retry'> {
    const { event, isOwn } = delivery;
    if (isOwn && delivery.waiting.length > 0 && delivery.retries === 0) void this.settle(event.id, 'processing', 0);
    const failures = delivery.waiting.length > 0 ? await this.calls.callAll(delivery) : [];
    delivery.failures = failures;
    if (failures.length > 0 && delivery.retries < this.policy.maxRetries) {
      delivery.waiting = failures.map(({ subscription }) => subscription);
      delivery.retries += 1;
      if (isOwn) void this.settle(event.id, 'pending', delivery.retries, describe(failures));
      return 'retry';
    }
    const status = failures.length > 0 ? 'failed' : 'completed';
    if (status === 'failed' || (isOwn && event.status !== 'completed')) {
      // in one step: as soon as the event is failed, any instance may redrive it, and must be able to claim it
      const givenUp = this.claims.heldBy(delivery, failures);
      await this.settle(event.id, status, delivery.retries, describe(failures), givenUp);
      this.claims.release(delivery, givenUp);
    }
    this.processed(delivery, status);
    if (status === 'failed') this.options.onDeadLetter?.({ ...event, status, error: describe(failures) }, failures);
    return status;
  }

  private processed({ event, begunAt }: Delivery, status: 'completed' | 'failed'): void {
    this.totals.processed += 1;
    if (status === 'failed') this.totals.failed += 1;
    this.options.metrics?.processed(event, status, (performance.now() - begunAt) / 1_000);
  }

  /** Never rejects: the handlers have run, whatever becomes of the record. */
  private async settle(
    id: string,
    status: BrokerEvent['status'],
    retry_count: number,
    error?: string,
    groups: readonly string[] = [],
  ): Promise<void> {
    try {
      const given_up = groups.length > 0 ? { claimant: this.instanceId, groups } : undefined;
      const settled = this.provider.updateStatus([{ id, status, retry_count, error, given_up, at: new Date() }]);
      if (settled) await settled;
    } catch (cause) {
      this.trouble(cause);
    }
  }

  private async flush(timeoutMs: number): Promise<BrokerStopped> {
    const until = performance.now() + timeoutMs;
    this.calls.hurry();
    await Promise.all([this.remote.stop(), this.claims.stop()]);
    const left = (await this.pool?.stop(timeoutMs)) ?? [];
    await this.calls.finish(this.syncTail, Math.max(0, until - performance.now()));
    for (const { event, isOwn, retries } of left) if (isOwn) await this.settle(event.id, 'pending', retries);
    if (this.options.closeProvider !== false) await this.provider.close();
    return { unfinished: left.map(({ event }) => event.id) };
  }

  private trouble(error: unknown): void {
    try {
      this.options.onTrouble?.(error);
    } catch {
      // the listener itself failed: there is nowhere to report it
    }
  }
}

export interface BrokerStopped {
  /** The ids of events that no worker had begun. Those of this instance are `pending`. */
  unfinished: string[];
}

const describe = (failures: readonly HandlerFailure[]): string | undefined =>
  failures.length === 0
    ? undefined
    : failures.map(({ subscription, error }) => `${subscription.name}: ${messageOf(error)}`).join('; ');

// PostgreSQL stores no NUL
const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll('\0', '').slice(0, 1_000);
