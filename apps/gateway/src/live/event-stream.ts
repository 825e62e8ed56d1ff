import type { Socket } from 'node:net';
import type { CloseReason, ConnectionFrame, GapReason, LogPosition, TenantId } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import type { Beginning } from '../feeds/catch-up';
import type { FeedMember, TenantFeed } from '../feeds/tenant-feed';
import { closeFrame, controlFrame, normalRetryMs } from '../frames/control-frame';
import type { EntryBatch } from '../frames/entry-batch';
import type { GzipStream } from '../frames/gzip';
import type { View } from '../frames/view';
import { formatPosition, type Cursor } from '../positions/cursor';
import { Replay, type Replayed, type ReplayTarget } from './replay';
import { SocketWriter, type StreamLimits, type WriterEvents } from './socket-writer';
import { StreamPosition } from './stream-position';

/** Lends feeds to a stream. A feed that is not released keeps an unused subscription open. */
interface FeedLender {
  release(tenant: TenantId): void;
}

interface Limits extends StreamLimits {
  /** The most entries that are replayed for one tenant. A client that is behind by more is told to load its state. */
  maxReplay: number;
  basePath?: string;
}

interface Followed extends Replayed {
  lender: FeedLender;
  live: boolean;
}

/**
 * Why a stream has ended: it was closed, its client left (`client`), or its client is gone without closing the
 * connection (`vanished`).
 */
export type EndReason = CloseReason | 'client' | 'vanished';
/** Learns why a stream has ended, and which. One that needs no more than that serves all streams. */
export type EndListener = (reason: EndReason, stream: EventStream) => void;

/**
 * One open SSE response: it holds a writer and the client's position in each of its tenants' event logs, and brings the
 * two together. It never skips an entry: a client that does not keep up is closed, and its cursor makes it resume where
 * it was.
 */
export class EventStream implements FeedMember, WriterEvents, ReplayTarget<Followed> {
  private readonly writer: SocketWriter;
  private readonly position: StreamPosition<Followed>;
  private readonly openedAt = performance.now();
  private log: EventLog | undefined;
  private rotateAfter = Infinity;
  private expiresAt = Infinity;
  private endReason: EndReason | undefined;
  private endListeners: readonly EndListener[] = [];

  /**
   * `socket` is the one from which the request was read; further data from it is ignored. `fields` are whole header
   * lines other than the stream's own. Without `gzip` the stream is plain.
   */
  constructor(
    socket: Socket,
    fields: string,
    view: View,
    private readonly limits: Limits,
    private readonly metrics: Metrics,
    private readonly logger: Log,
    gzip?: GzipStream,
  ) {
    this.writer = new SocketWriter(socket, fields, limits, metrics, this, gzip);
    this.position = new StreamPosition(view);
  }

  /**
   * Sends the response head and a comment, in one write with everything else of this turn of the event loop. After it
   * no error status can be sent any more.
   */
  open(): void {
    if (!this.endReason) this.writer.open();
  }

  /** Gives up the socket, on which nothing was written: other code sends the response. */
  abandon(): void {
    this.end('client');
    this.writer.abandon();
  }

  /** Whether the response head was sent, after which no error status can be sent any more. */
  get isOpen(): boolean {
    return this.writer.isOpen;
  }

  get closed(): boolean {
    return this.endReason !== undefined;
  }

  /** The address and port of the client. */
  get peer(): Pick<Socket, 'remoteAddress' | 'remotePort'> {
    return this.writer.peer;
  }

  /** Ends the stream of a client that no longer answers, without a last frame and without waiting. */
  vanish(): void {
    this.end('vanished');
    this.writer.destroy();
  }

  /** Calls the listener once when the stream has ended for any reason; at once if it has ended already. */
  whenEnded(listener: EndListener): void {
    if (this.endReason) listener(this.endReason, this);
    // not by push, which reserves room for seventeen
    else this.endListeners = this.endListeners.concat(listener);
  }

  /**
   * Sets the time at which the right to the stream ends (`expiresAt`, epoch ms). The heartbeat wheel ends the stream
   * then.
   */
  closeAt(expiresAt: number): void {
    this.expiresAt = expiresAt;
  }

  /** How long the right to the stream still lasts, in milliseconds. */
  leftMs(now: number): number {
    return this.expiresAt - now;
  }

  /**
   * Ends the stream at the first heartbeat after `ms` milliseconds, so that the client reconnects with a fresh right,
   * perhaps to another gateway.
   */
  rotateIn(ms: number): void {
    this.rotateAfter = performance.now() + ms;
  }

  /** The tenants that the stream follows. */
  get tenants(): readonly TenantId[] {
    return this.position.followed.map(({ tenant }) => tenant);
  }

  /**
   * Makes the stream follow a tenant from a position; `run` replays from there and joins the feed. The feed is released
   * once, when the stream no longer needs it.
   */
  follow(feed: TenantFeed, { from, page, upTo }: Beginning, lender: FeedLender): void {
    if (this.endReason) return lender.release(feed.tenant);
    const opening = page.length > 0 ? ({ intact: true, hints: page, upTo } as const) : undefined;
    const state = { live: false, leftAt: Infinity, replaying: false };
    this.position.follow({ tenant: feed.tenant, feed, lender, sent: from, opening, ...state });
  }

  /**
   * Stops following a tenant: from now on nothing of it is written, even if a read is under way. The client's position
   * in it is kept.
   */
  drop(tenant: TenantId): void {
    const dropped = this.position.drop(tenant);
    if (!dropped) return;
    dropped.feed.leave(this);
    dropped.lender.release(tenant);
  }

  /** Keeps, in its cursor, positions in tenants that the stream does not follow, as far as there is room. */
  keep(positions: Cursor): void {
    this.position.keep(positions);
  }

  /** The client's position in a tenant that the stream does not follow, if it is known. */
  positionIn(tenant: TenantId): LogPosition | undefined {
    return this.position.keptOf(tenant);
  }

  /**
   * Sends the connection frame, then brings every tenant that is not live yet up to its feed and keeps it there. Called
   * again when tenants have joined or left, perhaps while an earlier call still replays some. Rejects when the event
   * log is unavailable.
   */
  async run(connection: ConnectionFrame, log: EventLog): Promise<void> {
    this.write(controlFrame('connection', connection, { id: this.position.cursor(), retryMs: normalRetryMs() }));
    if (this.endReason) return;
    this.log = log;
    const behind = this.position.followed.filter((tenant) => !tenant.replaying && !this.joined(tenant));
    if (behind.length > 0) await Promise.all(behind.map((tenant) => this.catchUp(tenant, log)));
  }

  /**
   * Sends a heartbeat. It goes through the stream's own queue with the stream's own position, so that its cursor never
   * covers an entry that was not written. Nor does it call a stream current that has fallen behind.
   */
  heartbeat(now: Date): void {
    const { followed } = this.position;
    if (this.endReason || followed.length === 0) return;
    if (performance.now() > this.rotateAfter) return this.close('rotated');
    if (this.writer.hasStalled()) return this.close('slow');
    const checkedAt = followed.reduce((oldest, { feed, leftAt }) => Math.min(oldest, feed.checkedAt, leftAt), Infinity);
    const data = { server_time: now.toISOString(), checked_at: new Date(checkedAt).toISOString() };
    this.write(controlFrame('heartbeat', data, { id: this.position.cursor() }));
    this.metrics.sseEventsSent.inc({ event: 'heartbeat' });
  }

  // ---- FeedMember -------------------------------------------------------------------------------------------------

  deliver(feed: TenantFeed, batch: EntryBatch): void {
    const tenant = this.of(feed);
    if (!tenant?.live || this.endReason) return;
    if (this.writer.hasRoomFor(batch.dataBytes + this.position.idBytes(batch.hints.length)))
      this.writeEntries(tenant, batch);
    else this.fallBehind(tenant);
  }

  replaced(feed: TenantFeed): void {
    const tenant = this.of(feed);
    if (tenant) this.reset(tenant, 'history_replaced');
  }

  /** Ends the stream with a `close` frame whose cursor covers what was written. */
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

  // ---- ReplayTarget -----------------------------------------------------------------------------------------------

  follows(tenant: Followed): boolean {
    return !this.endReason && this.position.followed.includes(tenant);
  }

  /** Not live while entries of its opening wait: written later, they would lead the client's position back. */
  joined(tenant: Followed): boolean {
    if (!tenant.live && !tenant.opening) tenant.live = tenant.feed.join(this, tenant.sent);
    return tenant.live;
  }

  writeEntries(tenant: Followed, batch: EntryBatch): void {
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

  reset(tenant: Followed, reason: GapReason): void {
    if (!this.follows(tenant)) return;
    const tenant_id = tenant.feed.tenant;
    tenant.opening = undefined;
    tenant.sent = tenant.feed.last;
    this.write(
      controlFrame(
        'reset',
        { tenant_id, reason, snapshot: `${this.limits.basePath ?? ''}/api/v1/events?tenant=${tenant_id}` },
        { id: this.position.cursor() },
      ),
    );
    this.metrics.resets.inc({ reason });
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private of(feed: TenantFeed): Followed | undefined {
    for (const one of this.position.followed) if (one.feed === feed) return one;
    return undefined;
  }

  /** Replays a tenant until it can join its feed. */
  private async catchUp(tenant: Followed, log: EventLog): Promise<void> {
    const { position, writer, metrics, limits } = this;
    tenant.replaying = true;
    try {
      await new Replay(this, tenant, { log, position, writer, metrics, maxReplay: limits.maxReplay }).run();
    } catch (error) {
      tenant.replaying = false;
      throw error;
    }
  }

  /**
   * Leaves the feed of a tenant, and replays what comes, as the client reads it, until it can join again. What is read
   * from the event log at a time may be more than the whole backlog, however fast the client is.
   */
  private fallBehind(tenant: Followed): void {
    tenant.feed.leave(this);
    tenant.live = false;
    tenant.leftAt = Date.now();
    this.catchUp(tenant, this.log!).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'a stream ended because the log could not be read');
      this.close('store_unavailable');
    });
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
    for (const listener of listeners) listener(reason, this);
  }

  private account(reason: EndReason): void {
    const seconds = (performance.now() - this.openedAt) / 1000;
    this.metrics.sseConnectionsClosed.inc({ reason });
    this.metrics.sseConnectionDuration.observe(seconds);
    const positions = this.position.followed.map(({ tenant, sent }) => `${tenant} ${formatPosition(sent)}`);
    this.logger.info({ reason, duration_ms: Math.round(seconds * 1000), positions }, 'stream closed');
  }
}

/** Adds what was written to the batch's totals. */
function count({ written }: EntryBatch, frames: number, bytes: number): void {
  written.frames += frames;
  written.bytes += bytes;
}
