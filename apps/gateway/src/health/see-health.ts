import type { SystemHealth } from '@tocsin/contracts';
import type { DeadLetters } from '@tocsin/contracts/ports';
import { version, type Health } from '@tocsin/observability';
import type { TenantFeeds } from '../feeds/tenant-feeds';
import type { OpenStreams } from '../live/open-streams';

const STARTED_AT = new Date(Date.now() - process.uptime() * 1_000).toISOString();

/** What this gateway knows of the system without a question to another process, but for one query of the database. */
export class SeeHealth {
  constructor(
    private readonly health: Pick<Health, 'dependencies' | 'unreadiness'>,
    private readonly streams: Pick<OpenStreams, 'size' | 'closedSlow'>,
    private readonly feeds: Pick<TenantFeeds, 'opened'>,
    private readonly deadLetters: Pick<DeadLetters, 'depth'>,
  ) {}

  /** Never rejects: what cannot be learnt is null. */
  async now(): Promise<SystemHealth> {
    // an outage of the database is one of the things to be seen
    const dead_letters = await this.deadLetters.depth().catch(() => null);
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
      last_entry_at: Number.isFinite(lastEntryAt) ? new Date(lastEntryAt).toISOString() : null,
      dead_letters,
    };
  }
}
