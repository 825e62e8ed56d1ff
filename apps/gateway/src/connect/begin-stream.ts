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

/** What a client is told of one of its tenants. */
type Standing = Omit<TenantVerdict, 'tenant_id' | 'name'>;

/** Of a tenant that was there before others joined or left. */
const STAYED: Standing = { verdict: 'resumed', missed: 0, reason: null, behind: 0, searched: null };

/** Where a stream begins each of its tenants: it takes up their feeds there, and what it returns tells the client. */
export class BeginStream {
  constructor(
    private readonly feeds: TenantFeeds,
    private readonly log: EventLog,
    private readonly revocations: Revocations,
    private readonly config: GatewayConfig,
  ) {}

  /** All of its tenants, where the request says. Rejects with `Unavailable` when the log is away, and then holds no feed. */
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
   * The same for a stream that is open and whose user's tenants have changed to `memberships`: those that joined go on where they
   * were left, or the client is told that they cannot.
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
      // asked after the last await: what was revoked meanwhile is not taken up
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

/** What is replayed: the page and what came after it was read, or all that there is behind the position. */
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
