import { randomUUID } from 'node:crypto';
import { version } from '@tocsin/observability';
import type { OpenStreams } from './open-streams';
import type { TenantFeeds } from '../feeds/tenant-feeds';

/** The most tenants that are listed one by one, the busiest first. */
const MAX_LISTED = 1_000;

/** Identifies this instance among those behind one address. */
const INSTANCE = randomUUID();

/**
 * `GET /stats` on the admin port: what this gateway has open, in total and by tenant. Counts start when the process
 * starts.
 */
export function gatewayStats(streams: OpenStreams, feeds: TenantFeeds): object {
  const all = feeds.opened.sort((a, b) => b.streams - a.streams);
  const sum = (read: (feed: (typeof all)[number]) => number) => all.reduce((total, feed) => total + read(feed), 0);
  return {
    instance: INSTANCE,
    version,
    runtime: `node ${process.version}`,
    uptime_seconds: Math.round(process.uptime()),
    memory_bytes: process.memoryUsage.rss(),
    totals: {
      tenants: all.length,
      streams: streams.size,
      ring_events: sum(({ ringDepth }) => ringDepth),
      delivered: sum(({ delivered }) => delivered),
      closed_slow: streams.closedSlow,
    },
    tenants: all.slice(0, MAX_LISTED).map((feed) => ({
      tenant_id: feed.tenant,
      streams: feed.streams,
      ring_events: feed.ringDepth,
      delivered: feed.delivered,
      closed_slow: feed.closedSlow,
      last_entry: feed.last.seq,
      last_entry_at: feed.lastEntryAt && new Date(feed.lastEntryAt).toISOString(),
    })),
  };
}
