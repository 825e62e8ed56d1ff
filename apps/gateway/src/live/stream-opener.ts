import type { Socket } from 'node:net';
import { Refused, type ConnectionFrame, type Membership, type TenantVerdict } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import { personOf, type Revocations, type Tickets, type TokenVerifier, type VerifiedToken } from '@tocsin/auth';
import type { Log, Metrics } from '@tocsin/observability';
import { tenantsAskedFor, type VisibleTenants } from '../access/visible-tenants';
import type { GatewayConfig } from '../config';
import { corsFields } from '../cors';
import type { Admission } from './admission';
import { beginAt, beginAtHead, worstVerdict, type Beginning } from './catch-up';
import { clientAddress } from './client-address';
import { assignPositions, parseCursor } from './cursor';
import { EventStream } from './event-stream';
import { GzipStream } from './gzip';
import { rotationMs, type Held, type Lifetimes } from './lifetime';
import type { OpenStreams } from './open-streams';
import type { RequestHead } from './request-head';
import { viewOf } from './sse-frame';
import { readStreamRequest, type Credential, type Start, type StreamRequest } from './stream-request';
import type { TenantFeed } from './tenant-feed';
import type { TenantFeeds } from './tenant-feeds';

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
    const fields = corsFields(this.config.CORS_ORIGINS, raw.headers.origin) + (STREAM_GZIP ? 'Vary: Accept-Encoding\r\n' : '');
    const stream = new EventStream(socket, fields, viewOf(request.filter, request.named), limits, this.metrics, this.logger, gzip);
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
    stream.whenEnded(await this.admission.admit({ user: personOf(right), tenant_ids: tenants.map(({ tenant_id }) => tenant_id), address }));
    if (stream.closed) return;
    // asked after the last await before the stream is counted, so that a drain misses none
    if (this.streams.isDraining) throw new Refused('draining', 'This gateway is about to stop. Come back in a moment.');
    stream.closeAt(right.expires_at);
    stream.rotateIn(rotationMs(['ticket', 'cookie'].includes(request.credential.kind) || request.start.kind === 'cursor'));
    this.streams.add(stream);
    // An EventSource is answered before the log is asked: its `open` fires at once, and what fails later is told in the stream.
    if (request.namesEventStream) stream.open();
    const connection = await this.begin(stream, tenants, request);
    if (stream.closed) return;
    stream.open();
    this.metrics.sseConnectionsOpened.inc({ outcome: connection.verdict, reason: connection.tenants.find(({ reason }) => reason)?.reason ?? '' });
    this.lifetimes.watch(this.held(stream, right, request.tenants, tenants));
    await stream.run(connection, this.log);
  }

  private async authenticate({ kind, value }: Credential): Promise<VerifiedToken> {
    if (kind === 'query_token' && !this.config.STREAM_QUERY_TOKEN) {
      throw new Refused('query_token_denied', 'A token in the address is not accepted here: use a ticket or the Authorization header.');
    }
    const right = kind === 'ticket' ? await this.tickets.redeem(value) : kind === 'cookie' ? this.tickets.accept(value) : await this.verifier.verify(value);
    if (this.revocations.isRevoked(right)) throw new Refused('token_revoked', 'The token was revoked.');
    if (!right.scopes.has('alerts:read')) throw new Refused('insufficient_scope', 'Reading alerts needs the scope alerts:read.');
    return right;
  }

  /** Opens the feeds, finds where each tenant begins, and says so. */
  private async begin(stream: EventStream, tenants: readonly Membership[], { start, filter }: StreamRequest): Promise<ConnectionFrame> {
    const feeds = await this.feeds.acquireAll(tenants.map(({ tenant_id }) => tenant_id));
    try {
      const beginnings = await this.beginnings(feeds, start, filter);
      feeds.forEach((feed, i) => stream.follow(feed, beginnings[i]!, this.feeds));
      return this.connectionFrame(tenants, beginnings.map((beginning, i) => ({ ...beginning, behind: feeds[i]!.last.seq - beginning.from.seq })));
    } catch (error) {
      for (const { tenant } of feeds) this.feeds.release(tenant);
      throw error;
    }
  }

  private async beginnings(feeds: readonly TenantFeed[], start: Start, filter: StreamRequest['filter']): Promise<Beginning[]> {
    const positions =
      start.kind === 'cursor' ? assignPositions(parseCursor(start.text), new Map(feeds.map((feed) => [feed.tenant, feed.last.epoch]))) : undefined;
    return Promise.all(
      feeds.map((feed) => {
        const sent = positions?.get(feed.tenant);
        return sent ? beginAt(sent, feed, this.log, this.config.REPLAY_MAX_EVENTS) : this.beginFresh(feed, start, filter);
      }),
    );
  }

  private connectionFrame(tenants: readonly Membership[], beginnings: readonly Omit<TenantVerdict, 'tenant_id' | 'name'>[]): ConnectionFrame {
    return {
      verdict: worstVerdict(beginnings.map(({ verdict }) => verdict)),
      tenants: tenants.map(({ tenant_id, name }, i) => {
        const { verdict, missed, reason, behind } = beginnings[i]!;
        return { tenant_id, name, verdict, missed, reason, behind };
      }),
      heartbeat_ms: this.config.HEARTBEAT_MS,
      server_time: new Date().toISOString(),
    };
  }

  /** What the stream needs to live on when its user's tenants change. */
  private held(stream: EventStream, right: VerifiedToken, wanted: readonly string[] | null, memberships: readonly Membership[]): Held {
    return {
      stream,
      right,
      wanted,
      memberships,
      change: async (now, joined) => {
        const feeds = await this.feeds.acquireAll(joined);
        for (const feed of feeds) stream.follow(feed, beginAtHead(feed), this.feeds);
        const beginnings = now.map(({ tenant_id }) => ({ verdict: joined.includes(tenant_id) ? ('fresh' as const) : ('resumed' as const), missed: 0, reason: null, behind: 0 }));
        await stream.run(this.connectionFrame(now, beginnings), this.log);
      },
    };
  }

  private async beginFresh(feed: TenantFeed, start: Start, filter: StreamRequest['filter']): Promise<Beginning> {
    if (start.kind === 'cursor' || (start.kind === 'newest' && start.count === 0)) return beginAt({ kind: 'none' }, feed, this.log, 0);
    const since = start.kind === 'newest' ? { count: start.count, passes: filter } : { time: start.time };
    const position = await this.log.startOf(feed.tenant, since);
    const beginning = await beginAt({ kind: 'position', position }, feed, this.log, this.config.REPLAY_MAX_EVENTS);
    return beginning.verdict === 'resumed' ? { ...beginning, verdict: 'fresh' } : beginning;
  }
}
