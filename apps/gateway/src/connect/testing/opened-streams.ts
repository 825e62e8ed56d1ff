import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { VerifiedToken } from '@tocsin/auth';
import type { ConnectionFrame, Membership, TenantId } from '@tocsin/contracts';
import { aTenant, eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import type { GatewayConfig } from '../../config';
import { TenantFeeds } from '../../feeds/tenant-feeds';
import { LogInMemory } from '../../feeds/testing/log-in-memory';
import type { Held } from '../../live/lifetime';
import { OpenStreams } from '../../live/open-streams';
import { BusInMemory, Client } from '../../live/testing/open-stream';
import { formatPosition } from '../../positions/cursor';
import { BeginStream } from '../begin-stream';
import { IdentifyClient } from '../identify-client';
import { StreamOpener } from '../stream-opener';
import { TakePlace } from '../take-place';

export const [north, harbour, third] = [aTenant('north'), aTenant('harbour'), aTenant('third')];
export const upTo = (last: number, first = 1) =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
export const membership = (tenant_id: TenantId): Membership => ({ tenant_id, name: tenant_id, role: 'owner' });

/** What the client was told when it was connected, the last time unless another one is named. */
export const told = (client: Client, time = -1) => client.of('connection').at(time)!.data as unknown as ConnectionFrame;
/** The numbers of the entries of a tenant that the client has received. */
export const seqsOf = (client: Client, tenant: TenantId) =>
  client.frames.filter(({ data }) => 'seq' in data && data.tenant_id === tenant).map(({ data }) => data.seq);

/**
 * A gateway after the check of credentials: everything that a request for a stream uses from there on is real, except
 * for the event log and the bus.
 */
export class OpenedStreams {
  readonly log = new LogInMemory();
  readonly bus = new BusInMemory();
  /** The tenants of the user who connects. */
  mine = [north, harbour];
  /** The tenants that the user is to lose. */
  revoked = new Set<TenantId>();
  /** Whether the right to each stream ends while it is opened. */
  revokes = false;
  /** The streams that wait for changes of access. */
  readonly held: Held[] = [];
  maxReplay = 50;
  readonly feeds: TenantFeeds;
  private readonly clients: Client[] = [];
  private readonly streams: OpenStreams;
  private readonly server: Server;

  private constructor() {
    const logger = createLogger({ app: 'test', level: 'silent' });
    const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
    this.feeds = new TenantFeeds(this.log, this.bus, { ringEvents: 20, ringBytes: 1e6 }, metrics, logger);
    this.streams = new OpenStreams(60_000, 0, metrics);
    const settings = this.settings();
    const revocations = { isRevoked: () => false, tenantsRevoked: () => this.revoked } as never;
    const begin = new BeginStream(this.feeds, this.log, revocations, settings);
    const opener = new StreamOpener(
      new IdentifyClient(
        { verify: () => Promise.resolve(aRight()) } as never,
        {} as never,
        { of: () => Promise.resolve(this.mine.map(membership)) } as never,
        revocations,
        settings,
        { cookieName: undefined } as never,
      ),
      new TakePlace({ admit: () => Promise.resolve(() => undefined) }, this.streams, begin),
      begin,
      {
        watch: (one: Held) => {
          this.held.push(one);
          if (this.revokes) one.stream.close('revoked');
        },
      },
      this.log,
      settings,
      metrics,
      logger,
    );
    this.server = createServer((request, response) => {
      opener
        .open({ url: request.url!, headers: request.headers, rawHeaders: request.rawHeaders }, response.socket!)
        .catch((error: Error) => response.writeHead(500).end(error.message));
    });
  }

  static async open(): Promise<OpenedStreams> {
    const opened = new OpenedStreams();
    await once(opened.server.listen(0, '127.0.0.1'), 'listening');
    return opened;
  }

  /** Opens a stream and waits until it is connected, or until another frame has come. */
  async connect(query = '', cursor = '', frame = 'connection'): Promise<Client> {
    const headers = { accept: 'text/event-stream', ...(cursor ? { 'last-event-id': cursor } : {}) };
    const request = get({
      port: (this.server.address() as AddressInfo).port,
      host: '127.0.0.1',
      path: `/api/events?token=t${query}`,
      agent: false,
      headers,
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const client = new Client(response);
    this.clients.push(client);
    await eventually(() => expect(client.of(frame)).not.toHaveLength(0));
    return client;
  }

  /** Stores entries and delivers their hints. */
  publish(tenant: TenantId, count = 1, overrides = {}): void {
    this.bus.deliver(...this.log.put(tenant, count, overrides));
  }

  /** The position of an entry, as cursors have it. */
  at(tenant: TenantId, seq: number): string {
    return formatPosition(this.log.position(tenant, seq));
  }

  /** Resolves once everything that was published before has arrived and the stream is live. */
  async settled(client: Client): Promise<void> {
    this.publish(this.mine[0]!, 1, { title: 'last' });
    await eventually(() => expect(client.frames.at(-1)!.data.title).toBe('last'), 5_000);
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.leave();
    await this.streams.drain();
    this.feeds.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private settings(): GatewayConfig {
    const maxReplay = () => this.maxReplay;
    return {
      get REPLAY_MAX_EVENTS() {
        return maxReplay();
      },
      STREAM_BACKLOG_BYTES: 1e7,
      STREAM_STALL_MS: 5_000,
      STREAM_INITIAL_EVENTS: 0,
      STREAM_QUERY_TOKEN: true,
      STREAM_GZIP: false,
      HEARTBEAT_MS: 60_000,
      CORS_ORIGINS: [],
      TRUSTED_PROXIES: 0,
    } as unknown as GatewayConfig;
  }
}

const aRight = () =>
  ({
    user_id: 'ana',
    expires_at: Date.now() + 3_600_000,
    jti: null,
    issued_at: 0,
    scopes: new Set(['alerts:read']),
    claims: {},
    token: '',
  }) as unknown as VerifiedToken;
