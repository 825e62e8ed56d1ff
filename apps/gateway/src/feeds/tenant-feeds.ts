import type { TenantId } from '@tocsin/contracts';
import type { EventBus, EventLog, Subscription } from '@tocsin/contracts/ports';
import { NoTrace, type Log, type Metrics } from '@tocsin/observability';
import { FanOutSpans } from './fan-out-spans';
import { joinMs } from './join-delay';
import { comparePositions, PositionChecks } from './position-checks';
import { RingBudget } from './ring';
import { TenantFeed } from './tenant-feed';

/**
 * How often the event log's positions are compared with the feeds'. The promise that entries arrive within 3 s without
 * the bus depends on it.
 */
const CHECK_MS = 2_000;
/** The same while the bus is unavailable and nothing else moves the feeds. */
const CHECK_WITHOUT_BUS_MS = 1_000;
/** How long a feed stays open after its last stream, so that a reload of a page costs no new subscription. */
const LINGER_MS = 30_000;
/**
 * How many hints may wait while a feed is being opened. Further hints are dropped: the position at which the feed
 * begins includes their entries.
 */
const MAX_EARLY = 256;

interface OpenFeed {
  feed: TenantFeed;
  ready: Promise<TenantFeed>;
  holders: number;
  subscription?: Subscription;
  linger?: NodeJS.Timeout;
}

/**
 * The feeds of this gateway, one for each tenant. A tenant's first stream opens its feed; the feed closes a while after
 * the last stream.
 */
export class TenantFeeds {
  private readonly feeds = new Map<TenantId, OpenFeed>();
  private readonly budget: RingBudget;
  private readonly checks: PositionChecks;
  private checkTimer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly log: EventLog,
    private readonly bus: EventBus,
    private readonly limits: { ringEvents: number; ringBytes: number; joinMs?: () => number },
    private readonly metrics: Metrics,
    private readonly logger: Log,
    private readonly spans = new FanOutSpans(new NoTrace()),
  ) {
    this.budget = new RingBudget(limits.ringBytes);
    this.checks = new PositionChecks(log, logger);
  }

  /**
   * The tenant's feed, subscribed and with a position. Every `acquire` needs a `release`. Rejects with `Unavailable`
   * when the event log is unavailable.
   */
  async acquire(tenant: TenantId): Promise<TenantFeed> {
    let open = this.feeds.get(tenant);
    if (!open) {
      const feed = new TenantFeed(
        tenant,
        this.log,
        this.limits.ringEvents,
        this.budget,
        this.metrics,
        this.logger,
        this.limits.joinMs ?? joinMs,
        this.checks,
        this.spans,
      );
      open = { feed, ready: Promise.resolve(feed), holders: 0 };
      open.ready = this.open(open);
      this.feeds.set(tenant, open);
      this.scheduleCheck();
    }
    clearTimeout(open.linger);
    open.holders += 1;
    try {
      return await open.ready;
    } catch (error) {
      this.release(tenant, 0);
      throw error;
    }
  }

  /** Acquires the feeds of several tenants. When one fails, it releases the others and rejects. */
  async acquireAll(tenants: readonly TenantId[]): Promise<TenantFeed[]> {
    const results = await Promise.allSettled(tenants.map((tenant) => this.acquire(tenant)));
    const failed = results.find((result) => result.status === 'rejected');
    if (!failed) return results.map((result) => (result as PromiseFulfilledResult<TenantFeed>).value);
    for (const result of results) if (result.status === 'fulfilled') this.release(result.value.tenant);
    throw failed.reason;
  }

  release(tenant: TenantId, lingerMs = LINGER_MS): void {
    const open = this.feeds.get(tenant);
    if (!open || --open.holders > 0) return;
    clearTimeout(open.linger);
    if (lingerMs > 0 && !this.stopped) {
      open.linger = setTimeout(() => this.discard(open), lingerMs);
      open.linger.unref();
    } else this.discard(open);
  }

  /** The number of tenants with a feed. */
  get size(): number {
    return this.feeds.size;
  }

  /** The feeds that have a position. A feed that is still being opened has none to compare. */
  get opened(): TenantFeed[] {
    return [...this.feeds.values()].map(({ feed }) => feed).filter(({ checkedAt }) => checkedAt > 0);
  }

  close(): void {
    this.stopped = true;
    clearTimeout(this.checkTimer);
    this.checks.close();
    for (const open of this.feeds.values()) this.discard(open);
  }

  /** Subscribes first and reads the position afterwards, so that no entry is missed between the two. */
  private async open(open: OpenFeed): Promise<TenantFeed> {
    const { feed } = open;
    const early: Parameters<TenantFeed['onHint']>[0][] = [];
    const keep = (hint: (typeof early)[number]) => void (early.length < MAX_EARLY && early.push(hint));
    let started = false;
    open.subscription = await this.bus.subscribe(feed.tenant, {
      onHint: (hint) => (started ? feed.onHint(hint) : keep(hint)),
      onResumed: () => void (started && this.checks.ask(feed)),
    });
    const [head] = await this.log.heads([feed.tenant]);
    feed.startAt(head!);
    started = true;
    for (const hint of early) feed.onHint(hint);
    return feed;
  }

  private discard(open: OpenFeed): void {
    if (this.feeds.get(open.feed.tenant) === open) this.feeds.delete(open.feed.tenant);
    clearTimeout(open.linger);
    open.feed.close();
    void open.ready.catch(() => undefined).then(() => open.subscription?.close());
  }

  private scheduleCheck(): void {
    if (this.checkTimer || this.stopped) return;
    const interval = this.bus.connected ? CHECK_MS : CHECK_WITHOUT_BUS_MS;
    this.checkTimer = setTimeout(() => {
      void this.checkPositions().finally(() => {
        this.checkTimer = undefined;
        if (this.feeds.size > 0) this.scheduleCheck();
      });
    }, interval);
    this.checkTimer.unref();
  }

  /**
   * Limits the delay when the bus loses messages: one query for up to 500 tenants, independent of the number of
   * streams.
   */
  private async checkPositions(): Promise<void> {
    try {
      await comparePositions(this.log, this.opened);
    } catch (error) {
      this.logger.warn({ err: error }, 'the positions of the feeds could not be checked');
    }
  }
}
