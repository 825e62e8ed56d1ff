import type { Socket } from 'node:net';
import type { CloseReason, ConnectionFrame, GapReason, Hint, LogPosition, TenantId } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { readBehind, type Beginning, type Page } from '../feeds/catch-up';
import type { FeedMember, TenantFeed } from '../feeds/tenant-feed';
import { closeFrame, controlFrame, normalRetryMs } from '../frames/control-frame';
import { replayBatch, type EntryBatch } from '../frames/entry-batch';
import type { GzipStream } from '../frames/gzip';
import type { View } from '../frames/view';
import { formatPosition, type Cursor } from '../positions/cursor';
import { SocketWriter, type StreamLimits, type WriterEvents } from './socket-writer';
import { StreamPosition, type Place } from './stream-position';

/** How often the log may have nothing to show of what the feed has, before the client is sent away to come back. */
const MAX_EMPTY_PAGES = 5;
/** How much of a replay is written at a time before the socket is given the turn. */
const REPLAY_CHUNK_BYTES = 65_536;

/** Who lends a stream its feeds. Whoever holds one longer than it needs keeps a subscription open for nobody. */
export interface FeedLender {
  release(tenant: TenantId): void;
}

interface Followed extends Place {
  feed: TenantFeed;
  lender: FeedLender;
  /** What was read behind it when the client's cursor was judged, so that it is not read twice. */
  page: readonly Hint[];
  /** Where the client stands once that page is written, when more than the page was looked at. */
  upTo: LogPosition | undefined;
  live: boolean;
}

/** Entries that need no query. `upTo`: what the stream wants up to there is among them. */
interface InHand {
  intact: true;
  hints: readonly Hint[];
  upTo?: LogPosition;
}

/** Why a stream is over: it was closed, its client left, or its client is gone without a word. */
export type EndReason = CloseReason | 'client' | 'vanished';

/**
 * One open SSE response: a writer, the client's position in each of its tenants' logs, and the way from the one to the other. It
 * never skips: a client that does not keep up is closed, and its cursor brings it back to where it was.
 */
export class EventStream implements FeedMember, WriterEvents {
  private readonly writer: SocketWriter;
  private readonly position: StreamPosition<Followed>;
  private readonly openedAt = performance.now();
  private rotateAfter = Infinity;
  private expiresAt = Infinity;
  private endReason: EndReason | undefined;
  private endListeners: ((reason: EndReason) => void)[] = [];

  /**
   * `socket` has had a request read from it, and whatever else comes from it is of no interest. `fields` are the header's that
   * are not the stream's own: whole lines. Without `gzip` the stream is plain.
   */
  constructor(
    socket: Socket,
    fields: string,
    view: View,
    limits: StreamLimits,
    private readonly metrics: Metrics,
    private readonly logger: Log,
    gzip?: GzipStream,
  ) {
    this.writer = new SocketWriter(socket, fields, limits, metrics, this, gzip);
    this.position = new StreamPosition(view);
  }

  /**
   * Sends the head and a comment, in one write with whatever follows in this turn of the event loop. After it nothing can
   * be refused with a status any more.
   */
  open(): void {
    if (!this.endReason) this.writer.open();
  }

  /** Lets go of the socket, on which nothing was written: another answers on it. */
  abandon(): void {
    this.end('client');
    this.writer.abandon();
  }

  /** Whether the head is out, and nothing can be refused with a status any more. */
  get isOpen(): boolean {
    return this.writer.isOpen;
  }

  get closed(): boolean {
    return this.endReason !== undefined;
  }

  /** The socket's other end. */
  get peer(): Pick<Socket, 'remoteAddress' | 'remotePort'> {
    return this.writer.peer;
  }

  /** Nobody answers at the other end: there is nothing to say any more, and nothing to wait for. */
  vanish(): void {
    this.end('vanished');
    this.writer.destroy();
  }

  /** Calls back once, when the stream has ended for whatever reason; at once if it has. */
  whenEnded(listener: (reason: EndReason) => void): void {
    if (this.endReason) listener(this.endReason);
    else this.endListeners.push(listener);
  }

  /** The right to the stream ends at `expiresAt` (epoch ms): whoever keeps the time ends it then. */
  closeAt(expiresAt: number): void {
    this.expiresAt = expiresAt;
  }

  /** How long there is a right to it, in milliseconds. */
  leftMs(now: number): number {
    return this.expiresAt - now;
  }

  /** Ends the stream at a heartbeat some time after `ms`, to be opened anew elsewhere: with a fresh right, on another gateway. */
  rotateIn(ms: number): void {
    this.rotateAfter = performance.now() + ms;
  }

  /** The tenants that the stream follows. */
  get tenants(): readonly TenantId[] {
    return this.position.followed.map(({ tenant }) => tenant);
  }

  /** Takes up a tenant at a position; `run` replays from there and joins the feed. It is given back once, when it is done with. */
  follow(feed: TenantFeed, { from, page, upTo }: Beginning, lender: FeedLender): void {
    if (this.endReason) return lender.release(feed.tenant);
    this.position.follow({ tenant: feed.tenant, feed, lender, sent: from, page, upTo, live: false });
  }

  /** Gives a tenant up: from here on nothing of it is written, whatever is under way. Where the client stands in it is kept. */
  drop(tenant: TenantId): void {
    const dropped = this.position.drop(tenant);
    if (!dropped) return;
    dropped.feed.leave(this);
    dropped.lender.release(tenant);
  }

  /** Keeps positions in tenants that the stream does not follow in its cursor, as far as there is room. */
  keep(positions: Cursor): void {
    this.position.keep(positions);
  }

  /** Where the client stands in a tenant that the stream does not follow, if it is known. */
  positionIn(tenant: TenantId): LogPosition | undefined {
    return this.position.keptOf(tenant);
  }

  /**
   * Says where the client stands, then brings every tenant that is not live yet up to its feed and keeps it there. Called
   * again when tenants have joined or left. Rejects when the log is away.
   */
  async run(connection: ConnectionFrame, log: EventLog): Promise<void> {
    this.write(controlFrame('connection', connection, { id: this.position.cursor(), retryMs: normalRetryMs() }));
    const behind = this.position.followed.filter((tenant) => !this.joined(tenant));
    if (behind.length > 0) await Promise.all(behind.map((tenant) => this.catchUp(tenant, log)));
  }

  /** In the stream's own queue and with its own position, so that it can never promise what was not written. */
  heartbeat(now: Date): void {
    const { followed } = this.position;
    if (this.endReason || followed.length === 0) return;
    if (performance.now() > this.rotateAfter) return this.close('rotated');
    if (this.writer.hasStalled()) return this.close('slow');
    const checkedAt = followed.reduce((oldest, { feed }) => Math.min(oldest, feed.checkedAt), Infinity);
    const data = { server_time: now.toISOString(), checked_at: new Date(checkedAt).toISOString() };
    this.write(controlFrame('heartbeat', data, { id: this.position.cursor() }));
    this.metrics.sseEventsSent.inc({ event: 'heartbeat' });
  }

  // ---- FeedMember -------------------------------------------------------------------------------------------------

  deliver(feed: TenantFeed, batch: EntryBatch): void {
    const tenant = this.of(feed);
    if (!tenant?.live || this.endReason) return;
    this.writeEntries(tenant, batch);
  }

  replaced(feed: TenantFeed): void {
    const tenant = this.of(feed);
    if (tenant) this.reset(tenant, 'history_replaced');
  }

  /** Ends the stream with a `close` frame that carries what was written. */
  close(reason: CloseReason): void {
    if (this.endReason) return;
    this.writer.open();
    const id = this.position.followed.length > 0 ? this.position.cursor() : undefined;
    this.end(reason);
    this.writer.finish(closeFrame(reason, normalRetryMs(), id));
  }

  // ---- WriterEvents -----------------------------------------------------------------------------------------------

  onGone(): void {
    this.end('client');
  }

  onSlow(): void {
    this.close('slow');
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private of(feed: TenantFeed): Followed | undefined {
    for (const one of this.position.followed) if (one.feed === feed) return one;
    return undefined;
  }

  /** Whether there is still something to write of a tenant. */
  private follows(tenant: Followed): boolean {
    return !this.endReason && this.position.followed.includes(tenant);
  }

  /** Whether the tenant is live, after all that can be done for it without waiting. */
  private joined(tenant: Followed): boolean {
    if (!tenant.live && tenant.page.length === 0) tenant.live = tenant.feed.join(this, tenant.sent);
    return tenant.live;
  }

  /**
   * Replays until the feed has nothing more, then joins it. `join` compares and joins without an await in between; while
   * this reads, new entries wait in the feed's ring and in the log, so nothing needs to be held back for this client.
   */
  private async catchUp(tenant: Followed, log: EventLog): Promise<void> {
    const { feed } = tenant;
    let generation = feed.generation;
    let empty = 0;
    while (this.follows(tenant)) {
      if (feed.generation !== generation) {
        generation = feed.generation;
        this.reset(tenant, 'history_replaced');
      }
      if (feed.join(this, tenant.sent)) {
        tenant.live = true;
        return;
      }
      const page: InHand | Page =
        this.inHand(tenant) ?? (await readBehind(log, feed.tenant, tenant.sent, feed.pageSize));
      if (feed.generation !== generation || !this.follows(tenant)) continue;
      if (!page.intact) {
        await feed.check();
        if (feed.generation === generation) this.reset(tenant, 'retention');
      } else if (page.hints.length === 0) {
        // the feed is ahead of what the log shows: only a replaced history looks like this
        if ((empty += 1) > MAX_EMPTY_PAGES) return this.close('store_unavailable');
        await feed.check();
      } else {
        const isWhole = await this.replay(tenant, page.hints, generation);
        if (isWhole && 'upTo' in page && page.upTo) tenant.sent = page.upTo;
      }
    }
  }

  /** What needs no query: the page that the cursor was judged by, then the feed's ring. */
  private inHand(tenant: Followed): InHand | undefined {
    const { page, upTo } = tenant;
    tenant.page = [];
    tenant.upTo = undefined;
    const hints = page.length > 0 ? page : tenant.feed.ringBehind(tenant.sent);
    return hints && { intact: true, hints, upTo };
  }

  /** Writes entries, and says whether all of them were. */
  private async replay(tenant: Followed, hints: readonly Hint[], generation: number): Promise<boolean> {
    let from = 0;
    while (from < hints.length && tenant.feed.generation === generation && this.follows(tenant)) {
      let to = from;
      for (let bytes = 0; to < hints.length && bytes < REPLAY_CHUNK_BYTES; to += 1) bytes += hints[to]!.data!.length;
      const batch = replayBatch(hints.slice(from, to));
      this.writeEntries(tenant, batch);
      batch.countWritten(this.metrics);
      from = to;
      if (this.writer.needsDrain) await this.writer.drained();
    }
    return from === hints.length && !this.endReason && tenant.feed.generation === generation;
  }

  private writeEntries(tenant: Followed, batch: EntryBatch): void {
    const { position, writer } = this;
    if (position.isAlone) {
      const frames = position.advance(tenant, batch);
      if (frames.count > 0) count(batch, frames.count, writer.writeShared(frames));
      else writer.endTurn();
    } else {
      const frames = position.advanceWithIds(tenant, batch);
      if (frames.count > 0) count(batch, frames.count, writer.writePieces(frames.pieces));
      else writer.endTurn();
    }
  }

  private reset(tenant: Followed, reason: GapReason): void {
    if (this.endReason) return;
    const tenant_id = tenant.feed.tenant;
    tenant.page = [];
    tenant.upTo = undefined;
    tenant.sent = tenant.feed.last;
    this.write(
      controlFrame(
        'reset',
        { tenant_id, reason, snapshot: `/api/v1/events?tenant=${tenant_id}` },
        { id: this.position.cursor() },
      ),
    );
    this.metrics.resets.inc({ reason });
  }

  private write(frame: string): void {
    if (!this.endReason) this.writer.write(frame);
  }

  private end(reason: EndReason): void {
    if (this.endReason) return;
    this.endReason = reason;
    for (const { feed, lender } of this.position.followed) {
      if (reason === 'slow') feed.closedSlow += 1;
      feed.leave(this);
      lender.release(feed.tenant);
    }
    if (this.isOpen) this.account(reason);
    const listeners = this.endListeners;
    this.endListeners = [];
    for (const listener of listeners) listener(reason);
  }

  private account(reason: EndReason): void {
    const seconds = (performance.now() - this.openedAt) / 1000;
    this.metrics.sseConnectionsClosed.inc({ reason });
    this.metrics.sseConnectionDuration.observe(seconds);
    const positions = this.position.followed.map(({ tenant, sent }) => `${tenant} ${formatPosition(sent)}`);
    this.logger.info({ reason, duration_ms: Math.round(seconds * 1000), positions }, 'stream closed');
  }
}

/** Adds up in a batch what was written of it. */
function count({ written }: EntryBatch, frames: number, bytes: number): void {
  written.frames += frames;
  written.bytes += bytes;
}
