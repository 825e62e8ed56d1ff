import type { ConnectionFrame, Membership, TenantId, TenantVerdict } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Revocations, VerifiedToken } from '@tocsin/auth';
import type { GatewayConfig } from '../config';
import { beginAt, beginAtHead, beginWithNewest, worstVerdict, type Beginning } from '../feeds/catch-up';
import type { TenantFeed } from '../feeds/tenant-feed';
import type { TenantFeeds } from '../feeds/tenant-feeds';
import type { EventStream } from '../live/event-stream';
import { assignPositions, foreignPositions, parseCursor } from '../positions/cursor';
import type { Start, StreamRequest } from './stream-request';

/** What the client is told about one of its tenants. */
type Standing = Omit<TenantVerdict, 'tenant_id' | 'name'>;

/** For a tenant that the stream already followed before other tenants joined or left. */
const STAYED: Standing = { verdict: 'resumed', missed: 0, reason: null, behind: 0, searched: null };

/**
 * Decides where a stream begins in each of its tenants, makes it follow their feeds from there, and returns what the
 * client is told.
 */
export class BeginStream {
  constructor(
    private readonly feeds: TenantFeeds,
    private readonly log: EventLog,
    private readonly revocations: Revocations,
    private readonly config: GatewayConfig,
  ) {}

  /**
   * Begins all tenants of the stream at the positions in the request. Rejects with `Unavailable` when the event log is
   * unavailable, and then keeps no feed.
   */
  async begin(
    stream: EventStream,
    memberships: readonly Membership[],
    { start, filter }: Pick<StreamRequest, 'start' | 'filter'>,
  ): Promise<ConnectionFrame> {
    const sent = start.kind === 'cursor' ? start.texts.map(parseCursor) : undefined;
    const feeds = await this.feeds.acquireAll(memberships.map(({ tenant_id }) => tenant_id));
    try {
      const positions = sent && assignPositions(sent, new Map(feeds.map((feed) => [feed.tenant, feed.last.epoch])));
      const beginnings = await Promise.all(
        feeds.map((feed) => {
          const position = positions?.get(feed.tenant);
          return position ? this.beginAt(position, feed) : this.beginFresh(feed, start, filter);
        }),
      );
      feeds.forEach((feed, i) => stream.follow(feed, beginnings[i]!, this.feeds));
      if (sent) stream.keep(foreignPositions(sent, new Set(feeds.map(({ tenant }) => tenant))));
      return this.connectionFrame(
        memberships,
        beginnings.map((beginning, i) => standingOf(beginning, feeds[i]!)),
      );
    } catch (error) {
      for (const { tenant } of feeds) this.feeds.release(tenant);
      throw error;
    }
  }

  /**
   * The same for an open stream whose user's tenants have changed to `memberships`. A tenant that joined continues
   * where the client left it, or the client is told that this is impossible.
   */
  async beginAgain(
    stream: EventStream,
    right: VerifiedToken,
    memberships: readonly Membership[],
    joined: readonly TenantId[],
  ): Promise<ConnectionFrame> {
    const standings = await this.takeUp(stream, right, await this.feeds.acquireAll(joined));
    const followed = memberships.filter(({ tenant_id }) => stream.tenants.includes(tenant_id));
    return this.connectionFrame(
      followed,
      followed.map(({ tenant_id }) => standings.get(tenant_id) ?? STAYED),
    );
  }

  private async takeUp(
    stream: EventStream,
    right: VerifiedToken,
    feeds: readonly TenantFeed[],
  ): Promise<Map<TenantId, Standing>> {
    try {
      const beginnings = await Promise.all(
        feeds.map((feed) => {
          const position = stream.positionIn(feed.tenant);
          return this.beginAt(position ? { kind: 'position', position } : { kind: 'none' }, feed);
        }),
      );
      // Revocations are read after the last await, so that a tenant revoked in the meantime is not followed.
      const revoked = this.revocations.tenantsRevoked(right);
      feeds.forEach((feed, i) => {
        if (revoked.has(feed.tenant)) this.feeds.release(feed.tenant);
        else stream.follow(feed, beginnings[i]!, this.feeds);
      });
      return new Map(feeds.map((feed, i) => [feed.tenant, standingOf(beginnings[i]!, feed)]));
    } catch (error) {
      for (const { tenant } of feeds) this.feeds.release(tenant);
      throw error;
    }
  }

  private beginAt(sent: Parameters<typeof beginAt>[0], feed: TenantFeed): Promise<Beginning> {
    return beginAt(sent, feed, this.log, this.config.REPLAY_MAX_EVENTS);
  }

  private async beginFresh(feed: TenantFeed, start: Start, filter: StreamRequest['filter']): Promise<Beginning> {
    if (start.kind === 'cursor' || (start.kind === 'newest' && start.count === 0)) return beginAtHead(feed);
    if (start.kind === 'newest') return beginWithNewest(start.count, filter, feed, this.log);
    const position = await this.log.startOf(feed.tenant, start.time);
    const beginning = await this.beginAt({ kind: 'position', position }, feed);
    return beginning.verdict === 'resumed' ? { ...beginning, verdict: 'fresh' } : beginning;
  }

  private connectionFrame(memberships: readonly Membership[], standings: readonly Standing[]): ConnectionFrame {
    return {
      verdict: worstVerdict(standings.map(({ verdict }) => verdict)),
      tenants: memberships.map(({ tenant_id, name }, i) => ({ tenant_id, name, ...standings[i]! })),
      heartbeat_ms: this.config.HEARTBEAT_MS,
      server_time: new Date().toISOString(),
    };
  }
}

/** Counts what is replayed: the page and the entries stored since it was read, or everything after the position. */
const standingOf = (
  { verdict, missed, reason, from, page, upTo, searched = null }: Beginning,
  feed: TenantFeed,
): Standing => ({
  verdict,
  missed,
  reason,
  behind: upTo ? page.length + Math.max(0, feed.last.seq - upTo.seq) : feed.last.seq - from.seq,
  searched,
});
