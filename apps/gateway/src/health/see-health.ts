import { setTimeout as sleep } from 'node:timers/promises';
import type { VerifiedToken } from '@tocsin/auth';
import type {
  DueDeliveries,
  RecentDelivery,
  StreamCaps,
  SystemHealth,
  TenantId,
  TenantStreams,
} from '@tocsin/contracts';
import type { DeadLetters, DeliveryQueue, ProcessDirectory, QueueDepths } from '@tocsin/contracts/ports';
import { CHANNELS } from '@tocsin/contracts/wire';
import { RECENT_TOTAL_MS, type Health, type Metrics, type ThisProcess } from '@tocsin/observability';
import type { VisibleTenants } from '../access/visible-tenants';
import type { GatewayConfig } from '../config';
import type { TenantFeeds } from '../feeds/tenant-feeds';
import type { Lifetimes } from '../live/lifetime';
import type { OpenStreams } from '../live/open-streams';

/** How long a question to another service may take, in milliseconds. After that its answer is not known. */
const ANSWER_WITHIN_MS = 2_000;
/** The most users and the most tenants that are named. */
const MAX_NAMED = 10;
const EVERY_OPEN = { tenant_id: null, reason: null, up_to: null, whole: false };

/** What the process knows itself. */
interface Known {
  health: Pick<Health, 'dependencies' | 'unreadiness'>;
  streams: Pick<OpenStreams, 'size' | 'closedSlow' | 'lastClosed'>;
  feeds: Pick<TenantFeeds, 'opened'>;
  lifetimes: Pick<Lifetimes, 'busiestUsers'>;
  metrics: { total: Pick<Metrics['total'], 'recent'> };
  self: Pick<ThisProcess, 'version' | 'started_at' | 'weaknesses'>;
  limits: StreamCaps;
}

/** Whom it asks. */
interface Asked {
  letters: Pick<DeadLetters, 'count'>;
  deliveries: Pick<DeliveryQueue, 'depth'>;
  queues: Pick<QueueDepths, 'read'>;
  processes: Pick<ProcessDirectory, 'heard'>;
}

type CapSettings = Pick<
  GatewayConfig,
  'MAX_STREAMS' | 'STREAMS_PER_USER' | 'STREAMS_PER_TENANT' | 'STREAMS_PER_ADDRESS'
>;

/** The limits of streams by their settings, in which 0 is none. */
export const streamCaps = (config: CapSettings): StreamCaps => ({
  gateway: config.MAX_STREAMS || null,
  user: config.STREAMS_PER_USER || null,
  tenant: config.STREAMS_PER_TENANT || null,
  address: config.STREAMS_PER_ADDRESS || null,
});

/** What this gateway knows of the system. A source that fails or is too slow makes its own value null, and no other. */
export class SeeHealth {
  constructor(
    private readonly known: Known,
    private readonly asked: Asked,
    private readonly tenants: Pick<VisibleTenants, 'revokedFrom'>,
    private readonly answerWithinMs = ANSWER_WITHIN_MS,
  ) {}

  /**
   * Never rejects. What belongs to a tenant that was revoked from the token is not counted: its letters, its streams by
   * tenant, and by user the streams of such tenants alone.
   */
  async now(token: VerifiedToken): Promise<SystemHealth> {
    const { health, streams, feeds, lifetimes, self, limits } = this.known;
    const hidden = this.tenants.revokedFrom(token);
    // an outage of the database is one of the things to be seen
    const [letters, deliveries, queues, processes] = await Promise.all([
      this.answerOf(() => this.asked.letters.count({ allBut: [...hidden] }, EVERY_OPEN)),
      this.answerOf(() => this.dueByChannel()),
      this.answerOf(() => this.asked.queues.read()),
      this.answerOf(() => this.asked.processes.heard()),
    ]);
    const lastEntryAt = Math.max(...feeds.opened.map((feed) => feed.lastEntryAt ?? -Infinity));
    return {
      as_of: new Date().toISOString(),
      version: self.version,
      started_at: self.started_at,
      not_ready: health.unreadiness ?? null,
      dependencies: Object.entries(health.dependencies).map(([name, { status, critical, since }]) => ({
        name,
        status,
        critical,
        since,
      })),
      streams: streams.size,
      closed_slow: streams.closedSlow,
      tenants: feeds.opened.length,
      users: lifetimes.busiestUsers(hidden, MAX_NAMED),
      busiest_tenants: this.busiestTenants(hidden),
      limits,
      closed: [...streams.lastClosed],
      delivery: this.recentDelivery(),
      last_entry_at: Number.isFinite(lastEntryAt) ? new Date(lastEntryAt).toISOString() : null,
      dead_letters: letters?.letters ?? null,
      deliveries,
      queues,
      processes,
      weaknesses: [...self.weaknesses],
    };
  }

  private busiestTenants(hidden: ReadonlySet<TenantId>): TenantStreams[] {
    return this.known.feeds.opened
      .map(({ tenant, streams }) => ({ tenant_id: tenant, streams }))
      .filter(({ tenant_id, streams }) => streams > 0 && !hidden.has(tenant_id))
      .sort((a, b) => b.streams - a.streams || (a.tenant_id < b.tenant_id ? -1 : 1))
      .slice(0, MAX_NAMED);
  }

  private recentDelivery(): RecentDelivery | null {
    const recent = this.known.metrics.total.recent.percentiles(performance.now());
    if (!recent) return null;
    return { window_seconds: RECENT_TOTAL_MS / 1_000, samples: recent.samples, p50_ms: recent.p50, p99_ms: recent.p99 };
  }

  private async dueByChannel(): Promise<DueDeliveries[]> {
    const depth = new Map((await this.asked.deliveries.depth()).map((one) => [one.channel, one]));
    return CHANNELS.map((channel) => {
      const { due = 0, oldest_due_at = null } = depth.get(channel) ?? {};
      return { channel, due, oldest_due_at };
    });
  }

  private async answerOf<T>(ask: () => Promise<T>): Promise<T | null> {
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
