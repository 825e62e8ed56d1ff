import { randomUUID } from 'node:crypto';
import { BrokerError } from './broker-error';
import { withDefaults, type BrokerSettings, type EventBrokerOptions, type ProcessingMode } from './broker-options';
import { LONGEST_TIMER_MS } from './duration';
import { newEvent, validateEvent, type BrokerEvent, type EventDraft } from './event';
import { EventHandling, type BrokerStopped, type PublishResult } from './event-handling';
import type { EventFilter, EventProvider, ProviderStats, TransactionClient } from './event-provider';
import { guarded, tell } from './listeners';
import { Subscriptions, type EventHandler, type SubscribeOptions } from './subscriptions';

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
 * that published it; a handler elsewhere that used up its attempts makes it `failed` too, until the event was redriven
 * and handled.
 */
export class EventBroker {
  readonly instanceId: string;
  readonly mode: ProcessingMode;
  readonly provider: EventProvider;
  private readonly settings: BrokerSettings;
  private readonly subscriptions = new Subscriptions();
  /** Marks what this run of the process has published, so that its own stream leaves it out. */
  private readonly origin = randomUUID();
  private readonly trouble: (error: unknown) => void;
  private readonly handling: EventHandling;
  private published = 0;

  constructor(private readonly options: EventBrokerOptions = {}) {
    this.settings = withDefaults(options);
    this.instanceId = this.settings.instanceId;
    this.mode = this.settings.mode;
    this.provider = this.settings.provider;
    this.trouble = guarded(options.onTrouble);
    const { settings, subscriptions, origin, trouble: onTrouble } = this;
    this.handling = new EventHandling({ settings, subscriptions, origin, given: options, onTrouble });
    options.metrics?.observeQueue(() => this.handling.queueSize);
  }

  get isRunning(): boolean {
    return this.handling.isRunning;
  }

  /**
   * Opens the provider, hears other instances, and takes up what this instance left unfinished, as far as a
   * subscription hears it: subscribe before. May be called twice.
   */
  start(): Promise<void> {
    return this.handling.start();
  }

  /**
   * Handles the events that wait (retries without a pause) and closes the provider. What is unfinished after
   * `timeoutMs` (default 30,000; `Infinity` for no limit), what fails meanwhile and what is published meanwhile is
   * `pending`, and this instance takes it up when it starts next. An event of another instance, which it does not hear
   * again, is a dead letter instead; that of a group is left to the group. The provider has 2 s more to record this and
   * to close; a silent one is left behind. May be called twice; a stopped broker does not start again.
   */
  stop(timeoutMs = 30_000): Promise<BrokerStopped> {
    return this.handling.stop(Math.min(timeoutMs, LONGEST_TIMER_MS));
  }

  /** Resolves with the result of `publishSync` or `publishAsync`, as the mode says. */
  publish(draft: EventDraft): Promise<PublishResult> {
    return this.mode === 'sync' ? this.publishSync(draft) : this.publishAsync(draft);
  }

  /** Publishes several events with one round trip to the provider: all of them or none. */
  async publishBatch(drafts: readonly EventDraft[]): Promise<PublishResult[]> {
    const events = drafts.map((draft) => this.prepare(draft));
    const store = () => this.store(events, this.origin);
    return this.mode === 'sync' ? this.handling.handleNow(events, store) : this.handling.handleSoon(events, store);
  }

  /**
   * Resolves when all handlers on this instance have returned or have used up their attempts. Events are handled one
   * after the other, in the order of the calls.
   */
  async publishSync(draft: EventDraft): Promise<PublishResult> {
    const events = [this.prepare(draft)];
    return (await this.handling.handleNow(events, () => this.store(events, this.origin)))[0]!;
  }

  /** Resolves when the event is stored; a worker handles it. Rejects with `queue_full` before anything is stored. */
  async publishAsync(draft: EventDraft): Promise<PublishResult> {
    const events = [this.prepare(draft)];
    return (await this.handling.handleSoon(events, () => this.store(events, this.origin)))[0]!;
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
    await this.handling.leave(events, () => this.store(events, undefined));
    return events.map(({ id }) => id);
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
    return this.subscriptions.hears(type);
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
        await this.handling.replay(event, to);
        count += 1;
      }
      after_id = page.at(-1)?.id;
      if (page.length < 500 || after_id === undefined) return count;
    }
  }

  /** Returns the events that have failed, also those that are being redriven, in the order of their publication. */
  deadLetters(filter: Omit<EventFilter, 'status'> = {}): Promise<BrokerEvent[]> {
    return this.provider.list({ ...filter, status: 'failed' });
  }

  /**
   * Handles a dead letter once more, on this instance, with new attempts: call it where the handler is that failed. It
   * stays a dead letter until its handlers have returned, so that neither a stop nor a crash loses it. One that waits
   * here already, or is under way, is not handled beside that. Rejects with `unknown_event` for other events, and with
   * `no_handler` when no subscription here hears the event.
   */
  async redrive(id: string): Promise<PublishResult> {
    const event = await this.provider.get(id);
    if (event?.status !== 'failed') throw new BrokerError('unknown_event', 'There is no dead letter of this id.');
    if (!this.hears(event.type)) throw new BrokerError('no_handler', `This instance has no handler for ${event.type}.`);
    return this.handling.redrive(event);
  }

  async stats(): Promise<BrokerStats> {
    return {
      instance_id: this.instanceId,
      mode: this.mode,
      is_running: this.isRunning,
      total_published: this.published,
      total_processed: this.handling.total.processed,
      total_failed: this.handling.total.failed,
      active_subscribers: this.subscriptions.size,
      queue_size: this.handling.queueSize,
      active_workers: this.handling.activeWorkers,
      provider_stats: await this.provider.stats(),
      additional_stats: { sync_waiting: this.handling.turnsWaiting, patterns: this.subscriptions.patterns().length },
    };
  }

  private prepare(draft: EventDraft): BrokerEvent {
    if (!this.handling.hasStarted) throw new BrokerError('worker_pool_stopped');
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

  private async store(events: readonly BrokerEvent[], origin: string | undefined): Promise<void> {
    const given = this.provider.publish(events, origin);
    if (given) await given;
    this.published += events.length;
    const { metrics } = this.options;
    if (metrics) for (const event of events) tell(() => metrics.published(event), this.trouble);
  }
}
