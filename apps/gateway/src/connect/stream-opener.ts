import type { Socket } from 'node:net';
import { Refused, type ConnectionFrame, type Membership, type TenantId, type TenantVerdict } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import { personOf, type Revocations, type Tickets, type TokenVerifier, type VerifiedToken } from '@tocsin/auth';
import type { Log, Metrics } from '@tocsin/observability';
import { tenantsAskedFor, type VisibleTenants } from '../access/visible-tenants';
import type { GatewayConfig } from '../config';
import { corsFields } from '../http/cors';
import type { Admission } from './admission';
import { beginAt, beginAtHead, beginWithNewest, worstVerdict, type Beginning } from '../feeds/catch-up';
import { clientAddress } from '../request/client-address';
import { assignPositions, foreignPositions, parseCursor } from '../positions/cursor';
import { EventStream } from '../live/event-stream';
import { GzipStream } from '../frames/gzip';
import { rotationMs, type Held, type Lifetimes } from '../live/lifetime';
import type { OpenStreams } from '../live/open-streams';
import type { RequestHead } from './request-head';
import { viewOf } from '../frames/view';
import { readStreamRequest, type Credential, type Start, type StreamRequest } from './stream-request';
import type { TenantFeed } from '../feeds/tenant-feed';
import type { TenantFeeds } from '../feeds/tenant-feeds';

/** What becomes of a request for a stream: who asks, what they may see, where they left off, and then the stream. */
export class StreamOpener {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly tickets: Tickets,
    private readonly tenants: VisibleTenants,
    private readonly revocations: Revocations,
    private readonly admission: Admission,
    private readonly lifetimes: Lifetimes,
    private readonly feeds: TenantFeeds,
    private readonly streams: OpenStreams,
    private readonly log: EventLog,
    private readonly config: GatewayConfig,
    private readonly metrics: Metrics,
    private readonly logger: Log,
  ) {}

  /**
   * Opens a stream on the socket that the request came from, and resolves when it is live or over. Throws `Refused` or
   * `Unavailable` as long as nothing was written to the socket, which is then left to the caller to answer on.
   */
  async open(raw: RequestHead, socket: Socket): Promise<void> {
    const request = readStreamRequest(raw, this.config.STREAM_INITIAL_EVENTS);
    // Made before the first await: a client that leaves while it is looked up must leave nothing behind.
    const limits = { backlogBytes: this.config.STREAM_BACKLOG_BYTES, stallMs: this.config.STREAM_STALL_MS };
    const { STREAM_GZIP } = this.config;
    const gzip = STREAM_GZIP && request.acceptsGzip ? new GzipStream() : undefined;
    const fields =
      corsFields(this.config.CORS_ORIGINS, raw.headers.origin) + (STREAM_GZIP ? 'Vary: Accept-Encoding\r\n' : '');
    const stream = new EventStream(
      socket,
      fields,
      viewOf(request.filter, request.named),
      limits,
      this.metrics,
      this.logger,
      gzip,
    );
    try {
      await this.serve(stream, request, clientAddress({ headers: raw.headers, socket }, this.config.TRUSTED_PROXIES));
    } catch (error) {
      if (!stream.isOpen) {
        stream.abandon();
        throw error;
      }
      this.logger.warn({ err: error }, 'a stream ended because the log could not be read');
      stream.close('store_unavailable');
    }
  }

  private async serve(stream: EventStream, request: StreamRequest, address: string): Promise<void> {
    const right = await this.authenticate(request.credential);
    const tenants = tenantsAskedFor(await this.tenants.of(right), request.tenants);
    if (stream.closed) return;
    stream.whenEnded(
      await this.admission.admit({
        user: personOf(right),
        tenant_ids: tenants.map(({ tenant_id }) => tenant_id),
        address,
      }),
    );
    if (stream.closed) return;
    // asked after the last await before the stream is counted, so that a drain misses none
    if (this.streams.isDraining) throw new Refused('draining', 'This gateway is about to stop. Come back in a moment.');
    stream.closeAt(right.expires_at);
    stream.rotateIn(
      rotationMs(['ticket', 'cookie'].includes(request.credential.kind) || request.start.kind === 'cursor'),
    );
    this.streams.add(stream);
    // An EventSource is answered before the log is asked: its `open` fires at once, and what fails later is told in the stream.
    if (request.namesEventStream) stream.open();
    const connection = await this.begin(stream, tenants, request);
    if (stream.closed) return;
    stream.open();
    this.metrics.sseConnectionsOpened.inc({
      outcome: connection.verdict,
      reason: connection.tenants.find(({ reason }) => reason)?.reason ?? '',
    });
    this.lifetimes.watch(this.held(stream, right, request.tenants, tenants));
    await stream.run(connection, this.log);
  }

  private async authenticate({ kind, value }: Credential): Promise<VerifiedToken> {
    if (kind === 'query_token' && !this.config.STREAM_QUERY_TOKEN) {
      throw new Refused(
        'query_token_denied',
        'A token in the address is not accepted here: use a ticket or the Authorization header.',
      );
    }
    const right =
      kind === 'ticket'
        ? await this.tickets.redeem(value)
        : kind === 'cookie'
          ? this.tickets.accept(value)
          : await this.verifier.verify(value);
    if (this.revocations.isRevoked(right)) throw new Refused('token_revoked', 'The token was revoked.');
    if (!right.scopes.has('alerts:read'))
      throw new Refused('insufficient_scope', 'Reading alerts needs the scope alerts:read.');
    return right;
  }

  /** Opens the feeds, finds where each tenant begins, and says so. */
  private async begin(
    stream: EventStream,
    tenants: readonly Membership[],
    { start, filter }: StreamRequest,
  ): Promise<ConnectionFrame> {
    const feeds = await this.feeds.acquireAll(tenants.map(({ tenant_id }) => tenant_id));
    try {
      const beginnings = await this.beginnings(feeds, start, filter);
      feeds.forEach((feed, i) => stream.follow(feed, beginnings[i]!, this.feeds));
      if (start.kind === 'cursor')
        stream.keep(foreignPositions(start.texts.map(parseCursor), new Set(feeds.map(({ tenant }) => tenant))));
      return this.connectionFrame(
        tenants,
        beginnings.map((beginning, i) => verdictOf(beginning, feeds[i]!)),
      );
    } catch (error) {
      for (const { tenant } of feeds) this.feeds.release(tenant);
      throw error;
    }
  }

  private async beginnings(
    feeds: readonly TenantFeed[],
    start: Start,
    filter: StreamRequest['filter'],
  ): Promise<Beginning[]> {
    const positions =
      start.kind === 'cursor'
        ? assignPositions(start.texts.map(parseCursor), new Map(feeds.map((feed) => [feed.tenant, feed.last.epoch])))
        : undefined;
    return Promise.all(
      feeds.map((feed) => {
        const sent = positions?.get(feed.tenant);
        return sent
          ? beginAt(sent, feed, this.log, this.config.REPLAY_MAX_EVENTS)
          : this.beginFresh(feed, start, filter);
      }),
    );
  }

  private connectionFrame(tenants: readonly Membership[], beginnings: readonly Standing[]): ConnectionFrame {
    return {
      verdict: worstVerdict(beginnings.map(({ verdict }) => verdict)),
      tenants: tenants.map(({ tenant_id, name }, i) => {
        return { tenant_id, name, ...beginnings[i]! };
      }),
      heartbeat_ms: this.config.HEARTBEAT_MS,
      server_time: new Date().toISOString(),
    };
  }

  /** What the stream needs to live on when its user's tenants change. */
  private held(
    stream: EventStream,
    right: VerifiedToken,
    wanted: readonly string[] | null,
    memberships: readonly Membership[],
  ): Held {
    return {
      stream,
      right,
      wanted,
      memberships,
      change: async (now, joined) => {
        const feeds = await this.feeds.acquireAll(joined);
        const verdicts = await this.rejoin(stream, right, feeds);
        const followed = now.filter(({ tenant_id }) => stream.tenants.includes(tenant_id));
        await stream.run(
          this.connectionFrame(
            followed,
            followed.map(({ tenant_id }) => verdicts.get(tenant_id) ?? STAYED),
          ),
          this.log,
        );
      },
    };
  }

  /** Takes up tenants that joined: one that was followed before goes on where it was left, or the client is told that it cannot. */
  private async rejoin(
    stream: EventStream,
    right: VerifiedToken,
    feeds: readonly TenantFeed[],
  ): Promise<Map<TenantId, Standing>> {
    const begin = (feed: TenantFeed): Promise<Beginning> => {
      const position = stream.positionIn(feed.tenant);
      return beginAt(
        position ? { kind: 'position', position } : { kind: 'none' },
        feed,
        this.log,
        this.config.REPLAY_MAX_EVENTS,
      );
    };
    try {
      const beginnings = await Promise.all(feeds.map(begin));
      // asked after the last await: what was revoked meanwhile is not taken up
      const revoked = this.revocations.tenantsRevoked(right);
      feeds.forEach((feed, i) => {
        if (revoked.has(feed.tenant)) this.feeds.release(feed.tenant);
        else stream.follow(feed, beginnings[i]!, this.feeds);
      });
      return new Map(feeds.map((feed, i) => [feed.tenant, verdictOf(beginnings[i]!, feed)]));
    } catch (error) {
      for (const { tenant } of feeds) this.feeds.release(tenant);
      throw error;
    }
  }

  private async beginFresh(feed: TenantFeed, start: Start, filter: StreamRequest['filter']): Promise<Beginning> {
    if (start.kind === 'cursor' || (start.kind === 'newest' && start.count === 0)) return beginAtHead(feed);
    if (start.kind === 'newest') return beginWithNewest(start.count, filter, feed, this.log);
    const position = await this.log.startOf(feed.tenant, start.time);
    const beginning = await beginAt({ kind: 'position', position }, feed, this.log, this.config.REPLAY_MAX_EVENTS);
    return beginning.verdict === 'resumed' ? { ...beginning, verdict: 'fresh' } : beginning;
  }
}

/** What a client is told of one of its tenants. */
type Standing = Omit<TenantVerdict, 'tenant_id' | 'name'>;

/** Of a tenant that was there before others joined or left. */
const STAYED: Standing = { verdict: 'resumed', missed: 0, reason: null, behind: 0, searched: null };

/** What is replayed: the page and what came after it was read, or all that there is behind the position. */
const verdictOf = (
  { verdict, missed, reason, from, page, upTo, searched = null }: Beginning,
  feed: TenantFeed,
): Standing => ({
  verdict,
  missed,
  reason,
  behind: upTo ? page.length + Math.max(0, feed.last.seq - upTo.seq) : feed.last.seq - from.seq,
  searched: searched,
});
