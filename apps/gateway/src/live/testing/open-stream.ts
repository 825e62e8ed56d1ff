import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { createParser } from 'eventsource-parser';
import type { Hint, StreamFilter, TenantId, Verdict } from '@tocsin/contracts';
import { hintOf } from '@tocsin/contracts';
import { EventBus, type HintListener, type Subscription } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { beginAt, beginWithNewest } from '../../feeds/catch-up';
import { assignPositions, parseCursor } from '../../positions/cursor';
import { EventStream } from '../event-stream';
import { GzipStream } from '../../frames/gzip';
import { viewOf } from '../../frames/view';
import { TenantFeeds } from '../../feeds/tenant-feeds';
import type { LogInMemory } from '../../feeds/testing/log-in-memory';

/** A bus whose hints a test delivers, loses, duplicates and reorders. */
export class BusInMemory extends EventBus {
  connected = true;
  readonly listeners = new Map<string, HintListener>();

  publish(): Promise<void> {
    return Promise.reject(new Error('use deliver'));
  }

  subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription> {
    this.listeners.set(tenant, listener);
    return Promise.resolve({ close: () => void this.listeners.delete(tenant) });
  }

  deliver(...events: Parameters<typeof hintOf>[0][]): void {
    for (const event of events) this.listeners.get(event.entry.tenant_id)?.onHint(hintOf(event));
  }

  hear(tenant: TenantId, hint: Hint | undefined): void {
    this.listeners.get(tenant)?.onHint(hint);
  }
}

interface Frame {
  id: string | undefined;
  event: string | undefined;
  data: Record<string, unknown>;
}

/**
 * A client of a test: it parses whole frames with an independent parser, and keeps the raw response. It decodes gzip as
 * it arrives and checks the end strictly.
 */
export class Client {
  readonly frames: Frame[] = [];
  ended = false;
  /** The decoded text so far, and the number of bytes of the response that it came from. */
  text = '';
  bytes = 0;
  /** Whether the response ended as its encoding demands. */
  complete = false;

  constructor(readonly response: IncomingMessage) {
    const parser = createParser({
      onEvent: ({ id, event, data }) => void this.frames.push({ id, event, data: JSON.parse(data) as Frame['data'] }),
    });
    response.on('data', (chunk: Buffer) => (this.bytes += chunk.length));
    const body =
      response.headers['content-encoding'] === 'gzip'
        ? response.pipe(createGunzip())
        : response.pipe(new PassThrough());
    body.setEncoding('utf8');
    body.on('data', (text: string) => {
      this.text += text;
      parser.feed(text);
    });
    body.on('end', () => (this.complete = true));
    body.on('error', () => undefined);
    response.on('close', () => (this.ended = true));
    response.on('error', () => (this.ended = true));
  }

  /** The numbers of the entries that arrived; with their tenants when there are several. */
  get seqs(): unknown[] {
    return this.frames.filter(({ data }) => 'seq' in data).map(({ data }) => data.seq);
  }

  of(event: string): Frame[] {
    return this.frames.filter((frame) => frame.event === event);
  }

  get cursor(): string | undefined {
    return this.frames.at(-1)?.id;
  }

  hears(seqs: number[]): Promise<void> {
    return eventually(() => expect(this.seqs).toEqual(seqs), 5_000);
  }

  leave(): void {
    this.response.destroy();
  }
}

const metrics = () => new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
export const EVERYTHING: StreamFilter = { severity: null, type: null, service: null, labels: null };

/** The live part of a gateway on a real socket: feeds and streams, with no admission before them. */
export class LiveGateway {
  readonly bus = new BusInMemory();
  readonly metrics = metrics();
  readonly streams: EventStream[] = [];
  readonly feeds: TenantFeeds;
  private readonly logger = createLogger({ app: 'test', level: 'silent' });
  private readonly server = createServer(
    (request, response) => void this.serve(new URL(request.url!, 'http://x').searchParams, response),
  );
  private readonly clients: Client[] = [];
  private listening: Promise<unknown> | undefined;

  constructor(
    readonly log: LogInMemory,
    private readonly options: { ringEvents?: number; backlogBytes?: number; stallMs?: number; maxReplay?: number } = {},
  ) {
    this.feeds = new TenantFeeds(
      log,
      this.bus,
      { ringEvents: options.ringEvents ?? 100, ringBytes: 1e6 },
      this.metrics,
      this.logger,
    );
  }

  /** Opens a stream that begins at the cursor, or with the `newest` entries that pass the filter. */
  async connect(
    tenants: readonly TenantId[],
    { cursor = '', newest = 0, filter = EVERYTHING, named = true, gzip = false } = {},
  ): Promise<Client> {
    this.listening ??= once(this.server.listen(0, '127.0.0.1'), 'listening');
    await this.listening;
    const query = new URLSearchParams({
      tenants: tenants.join(','),
      cursor,
      newest: String(newest),
      filter: JSON.stringify(filter),
      named: String(named),
      gzip: String(gzip),
    });
    const request = get({
      port: (this.server.address() as AddressInfo).port,
      host: '127.0.0.1',
      path: `/?${query.toString()}`,
      agent: false,
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const client = new Client(response);
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.leave();
    for (const stream of this.streams) stream.close('draining');
    this.feeds.close();
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const { backlogBytes = 1e6, stallMs = 5_000, maxReplay = 5_000 } = this.options;
    const filter = JSON.parse(query.get('filter')!) as StreamFilter;
    const gzip = query.get('gzip') === 'true' ? new GzipStream() : undefined;
    const stream = new EventStream(
      response.socket!,
      '',
      viewOf(filter, query.get('named') === 'true' ? 'named' : 'nameless'),
      { backlogBytes, stallMs, maxReplay },
      this.metrics,
      this.logger,
      gzip,
    );
    this.streams.push(stream);
    stream.open();
    const feeds = await this.feeds.acquireAll(query.get('tenants')!.split(',') as TenantId[]);
    const positions = assignPositions(
      parseCursor(query.get('cursor')!),
      new Map(feeds.map((feed) => [feed.tenant, feed.last.epoch])),
    );
    let verdict: Verdict = 'fresh';
    const newest = Number(query.get('newest'));
    for (const feed of feeds) {
      const beginning = newest
        ? await beginWithNewest(newest, filter, feed, this.log)
        : await beginAt(positions.get(feed.tenant)!, feed, this.log, maxReplay);
      verdict = beginning.verdict;
      stream.follow(feed, beginning, { release: (tenant) => this.feeds.release(tenant, 0) });
    }
    await stream.run({ verdict, tenants: [], heartbeat_ms: 1, server_time: '' }, this.log);
  }
}
