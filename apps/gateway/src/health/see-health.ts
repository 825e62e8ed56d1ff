import { setTimeout as sleep } from 'node:timers/promises';
import type { VerifiedToken } from '@tocsin/auth';
import type { DueDeliveries, RecentDelivery, SystemHealth } from '@tocsin/contracts';
import type { DeadLetters, DeliveryQueue } from '@tocsin/contracts/ports';
import { CHANNELS } from '@tocsin/contracts/wire';
import { RECENT_TOTAL_MS, version, type Health, type Metrics } from '@tocsin/observability';
import type { VisibleTenants } from '../access/visible-tenants';
import type { TenantFeeds } from '../feeds/tenant-feeds';
import type { Lifetimes } from '../live/lifetime';
import type { OpenStreams } from '../live/open-streams';

/** How long a question to the database may take, in milliseconds. After that its answer is not known. */
const ANSWER_WITHIN_MS = 2_000;
/** The most users that are named. */
const MAX_USERS = 10;
const EVERY_OPEN = { tenant_id: null, reason: null, up_to: null, whole: false };
const STARTED_AT = new Date(Date.now() - process.uptime() * 1_000).toISOString();

/** What this gateway knows of the system. A source that fails or is too slow makes its own value null, and no other. */
export class SeeHealth {
  constructor(
    private readonly health: Pick<Health, 'dependencies' | 'unreadiness'>,
    private readonly streams: Pick<OpenStreams, 'size' | 'closedSlow'>,
    private readonly feeds: Pick<TenantFeeds, 'opened'>,
    private readonly letters: Pick<DeadLetters, 'count'>,
    private readonly queue: Pick<DeliveryQueue, 'depth'>,
    private readonly tenants: Pick<VisibleTenants, 'revokedFrom'>,
    private readonly lifetimes: Pick<Lifetimes, 'busiestUsers'>,
    private readonly metrics: Pick<Metrics, 'recentTotal'>,
    private readonly answerWithinMs = ANSWER_WITHIN_MS,
  ) {}

  /**
   * Never rejects. Letters of a tenant that was revoked from the token, and streams of such tenants alone by user, are
   * not counted.
   */
  async now(token: VerifiedToken): Promise<SystemHealth> {
    const hidden = this.tenants.revokedFrom(token);
    const reach = { allBut: [...hidden] };
    // an outage of the database is one of the things to be seen
    const [letters, deliveries] = await Promise.all([
      this.known(() => this.letters.count(reach, EVERY_OPEN)),
      this.known(() => this.dueByChannel()),
    ]);
    const feeds = this.feeds.opened;
    const lastEntryAt = Math.max(...feeds.map((feed) => feed.lastEntryAt ?? -Infinity));
    return {
      as_of: new Date().toISOString(),
      version,
      started_at: STARTED_AT,
      not_ready: this.health.unreadiness ?? null,
      dependencies: Object.entries(this.health.dependencies).map(([name, { status, critical, since }]) => ({
        name,
        status,
        critical,
        since,
      })),
      streams: this.streams.size,
      closed_slow: this.streams.closedSlow,
      tenants: feeds.length,
      users: this.lifetimes.busiestUsers(hidden, MAX_USERS),
      delivery: this.recentDelivery(),
      last_entry_at: Number.isFinite(lastEntryAt) ? new Date(lastEntryAt).toISOString() : null,
      dead_letters: letters?.letters ?? null,
      deliveries,
    };
  }

  private recentDelivery(): RecentDelivery | null {
    const recent = this.metrics.recentTotal.percentiles(performance.now());
    if (!recent) return null;
    return { window_seconds: RECENT_TOTAL_MS / 1_000, samples: recent.samples, p50_ms: recent.p50, p99_ms: recent.p99 };
  }

  private async dueByChannel(): Promise<DueDeliveries[]> {
    const depth = new Map((await this.queue.depth()).map((one) => [one.channel, one]));
    return CHANNELS.map((channel) => {
      const { due = 0, oldest_due_at = null } = depth.get(channel) ?? {};
      return { channel, due, oldest_due_at };
    });
  }

  private async known<T>(ask: () => Promise<T>): Promise<T | null> {
    const done = new AbortController();
    try {
      const late = sleep(this.answerWithinMs, null, { signal: done.signal }).catch(() => null);
      return await Promise.race([ask(), late]);
    } catch {
      return null; // the metrics and the log of the source say why
    } finally {
      done.abort();
    }
  }
}
