import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { CloseReason, ConnectionFrame, GapReason, Hint, LogPosition, TenantId } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { readBehind, type Beginning, type Page } from './catch-up';
import { formatCursor, formatPosition, MAX_POSITIONS, type Cursor } from './cursor';
import { GZIP_FIELD, type GzipStream, type SharedBytes } from './gzip';
import { closeFrame, controlFrame, idLine, OPENING, replayBatch, type EntryBatch, type View } from './sse-frame';
import { streamHead } from './stream-head';
import type { FeedMember, TenantFeed } from './tenant-feed';
import { atEndOfTurn } from './turn';

export interface StreamLimits {
  /** Bytes that may wait for a client to read them, as they are written; beyond it the stream is closed as `slow`. */
  backlogBytes: number;
  /** How long a client may take none of them while its history is replayed. */
  stallMs: number;
}

/** How often the log may have nothing to show of what the feed has, before the client is sent away to come back. */
const MAX_EMPTY_PAGES = 5;
/** How much of a replay is written at a time before the socket is given the turn. */
const REPLAY_CHUNK_BYTES = 65_536;
/** After so much silence the kernel asks whether the other end is still there, and gives up 10 s later (libuv: ten probes, 1 s apart). */
const KEEP_ALIVE_MS = 5_000;
/** How long a closing stream may take to deliver its last frame. */
const CLOSE_GRACE_MS = 1_000;
/** A client that lost its stream comes back after 2 to 5 s: jitter, so that those of one gateway do not come back as one. */
export const normalRetryMs = (): number => 2_000 + Math.random() * 3_000;

/** Who lends a stream its feeds. Whoever holds one longer than it needs keeps a subscription open for nobody. */
export interface FeedLender {
  release(tenant: TenantId): void;
}

interface Followed {
  feed: TenantFeed;
  lender: FeedLender;
  /** The last entry written or passed over: what the client's cursor says of this tenant. */
  sent: LogPosition;
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
 * One open SSE response. It writes whole frames to the raw socket (no chunked encoding, no copy a client), owns its
 * position in each of its tenants' logs, and never skips: a client that does not keep up is closed, and its cursor
 * brings it back to where it was.
 */
export class EventStream implements FeedMember {
  /** Few, mostly one: a map for each stream would be the larger part of it. */
  private readonly followed: Followed[] = [];
  /** Where the client stands in tenants that the stream does not follow: in its cursor for when they come back, and for nothing else. */
  private left: Map<TenantId, LogPosition> | undefined;
  private readonly openedAt = performance.now();
  /** The comment and what was said since, while they wait for the end of the turn so that they leave in one write with the head. */
  private opening: string | undefined;
  private opened = false;
  private rotateAfter = Infinity;
  private expiresAt = Infinity;
  /** Bytes that the kernel had taken at the last heartbeat. */
  private taken = 0;
  private endReason: EndReason | undefined;
  private endListeners: ((reason: EndReason) => void)[] = [];

  /**
   * `socket` has had a request read from it, and whatever else comes from it is of no interest. `fields` are the header's that
   * are not the stream's own: whole lines. Without `gzip` the stream is plain.
   */
  constructor(
    private readonly socket: Socket,
    private readonly fields: string,
    private readonly view: View,
    private readonly limits: StreamLimits,
    private readonly metrics: Metrics,
    private readonly logger: Log,
    private readonly gzip?: GzipStream,
  ) {
    socket.on('close', this.onSocketClosed);
    socket.on('error', this.onSocketClosed);
  }

  /**
   * Sends the head and a comment, in one write with whatever follows in this turn of the event loop. After it nothing can
   * be refused with a status any more.
   */
  open(): void {
    if (this.endReason || this.opened) return;
    this.opened = true;
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.opening = OPENING;
    atEndOfTurn(this);
  }

  /** Writes what was kept back for this turn. */
  endTurn(): void {
    if (this.opening !== undefined && !this.socket.destroyed) this.send(this.toWire(''));
  }

  /** Lets go of the socket, on which nothing was written: somebody else answers. */
  abandon(): void {
    this.end('client');
    this.socket.off('close', this.onSocketClosed);
    this.socket.off('error', this.onSocketClosed);
  }

  /** Whether the head is out, and nothing can be refused with a status any more. */
  get isOpen(): boolean {
    return this.opened;
  }

  get closed(): boolean {
    return this.endReason !== undefined;
  }

  /** The socket's other end. */
  get peer(): Pick<Socket, 'remoteAddress' | 'remotePort'> {
    return this.socket;
  }

  /** Nobody answers at the other end: there is nothing to say any more, and nothing to wait for. */
  vanish(): void {
    this.end('vanished');
    this.socket.destroy();
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
    return this.followed.map(({ feed }) => feed.tenant);
  }

  /** Takes up a tenant at a position; `run` replays from there and joins the feed. It is given back once, when it is done with. */
  follow(feed: TenantFeed, { from, page, upTo }: Beginning, lender: FeedLender): void {
    if (this.endReason) return lender.release(feed.tenant);
    this.left?.delete(feed.tenant);
    this.followed.push({ feed, lender, sent: from, page, upTo, live: false });
    this.makeRoom();
  }

  /** Gives a tenant up: from here on nothing of it is written, whatever is under way. Where the client stands in it is kept. */
  drop(tenant: TenantId): void {
    const at = this.followed.findIndex(({ feed }) => feed.tenant === tenant);
    const [dropped] = at < 0 ? [] : this.followed.splice(at, 1);
    if (!dropped) return;
    dropped.feed.leave(this);
    dropped.lender.release(tenant);
    this.keep(new Map([[tenant, dropped.sent]]));
  }

  /** Keeps positions in tenants that the stream does not follow in its cursor, as far as there is room. */
  keep(positions: Cursor): void {
    for (const [tenant, position] of positions) (this.left ??= new Map()).set(tenant, position);
    this.makeRoom();
  }

  /** Where the client stands in a tenant that the stream does not follow, if it is known. */
  positionIn(tenant: TenantId): LogPosition | undefined {
    return this.left?.get(tenant);
  }

  /** The tenants of the stream come first, and of the others those that left it last. */
  private makeRoom(): void {
    for (const tenant of this.left?.keys() ?? []) {
      if (this.followed.length + this.left!.size <= MAX_POSITIONS) break;
      this.left!.delete(tenant);
    }
    if (this.left?.size === 0) this.left = undefined;
  }

  /**
   * Says where the client stands, then brings every tenant that is not live yet up to its feed and keeps it there. Called
   * again when tenants have joined or left. Rejects when the log is away.
   */
  async run(connection: ConnectionFrame, log: EventLog): Promise<void> {
    this.write(controlFrame('connection', connection, { id: this.cursor(), retryMs: normalRetryMs() }));
    const behind = this.followed.filter((tenant) => !this.joined(tenant));
    if (behind.length > 0) await Promise.all(behind.map((tenant) => this.catchUp(tenant, log)));
  }

  /** In the stream's own queue and with its own position, so that it can never promise what was not written. */
  heartbeat(now: Date): void {
    if (this.endReason || this.followed.length === 0) return;
    if (performance.now() > this.rotateAfter) return this.close('rotated');
    // nothing of what waits has left since the last heartbeat: nobody reads at the other end
    const taken = this.socket.bytesWritten - this.socket.writableLength;
    if (this.socket.writableLength > 0 && taken === this.taken) return this.close('slow');
    this.taken = taken;
    const checkedAt = this.followed.reduce((oldest, { feed }) => Math.min(oldest, feed.checkedAt), Infinity);
    const data = { server_time: now.toISOString(), checked_at: new Date(checkedAt).toISOString() };
    this.write(controlFrame('heartbeat', data, { id: this.cursor() }));
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
    this.open();
    const id = this.followed.length > 0 ? this.cursor() : undefined;
    const frame = this.toWire(closeFrame(reason, normalRetryMs(), id), true);
    this.end(reason);
    this.socket.end(frame);
    setTimeout(() => this.socket.destroy(), CLOSE_GRACE_MS).unref();
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private readonly onSocketClosed = (): void => this.end('client');

  private of(feed: TenantFeed): Followed | undefined {
    for (const one of this.followed) if (one.feed === feed) return one;
    return undefined;
  }

  private cursor(): string {
    const [only] = this.followed;
    if (only && this.isAlone) return formatPosition(only.sent);
    return formatCursor([
      ...this.followed.map(({ feed, sent }): [TenantId, LogPosition] => [feed.tenant, sent]),
      ...(this.left ?? []),
    ]);
  }

  /** Whether one tenant's position is the whole cursor, the same for all streams that are level. */
  private get isAlone(): boolean {
    return this.followed.length === 1 && this.left === undefined;
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
    const startedAt = performance.now();
    let generation = feed.generation;
    let empty = 0;
    let replayed = 0;
    while (!this.endReason && this.followed.includes(tenant)) {
      if (feed.generation !== generation) {
        generation = feed.generation;
        this.reset(tenant, 'history_replaced');
      }
      if (feed.join(this, tenant.sent)) {
        tenant.live = true;
        this.metrics.replay.observe((performance.now() - startedAt) / 1000);
        this.metrics.replayEvents.observe(replayed);
        return;
      }
      const page: InHand | Page =
        this.inHand(tenant) ?? (await readBehind(log, feed.tenant, tenant.sent, feed.pageSize));
      if (this.endReason || feed.generation !== generation || !this.followed.includes(tenant)) continue;
      if (!page.intact) {
        await feed.check();
        if (feed.generation === generation) this.reset(tenant, 'retention');
      } else if (page.hints.length === 0) {
        // the feed is ahead of what the log shows: only a replaced history looks like this
        if ((empty += 1) > MAX_EMPTY_PAGES) return this.close('store_unavailable');
        await feed.check();
      } else {
        const isWhole = await this.replay(tenant, page.hints, generation);
        if (isWhole) replayed += page.hints.length;
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
    while (
      from < hints.length &&
      !this.endReason &&
      tenant.feed.generation === generation &&
      this.followed.includes(tenant)
    ) {
      let to = from;
      for (let bytes = 0; to < hints.length && bytes < REPLAY_CHUNK_BYTES; to += 1) bytes += hints[to]!.data!.length;
      const batch = replayBatch(hints.slice(from, to));
      this.writeEntries(tenant, batch);
      batch.countWritten(this.metrics);
      from = to;
      if (this.socket.writableNeedDrain) await this.drained();
    }
    return from === hints.length && !this.endReason && tenant.feed.generation === generation;
  }

  private writeEntries(tenant: Followed, batch: EntryBatch): void {
    const isFirst = this.opening !== undefined;
    if (isFirst) {
      this.socket.cork();
      this.endTurn();
    }
    if (this.isAlone) {
      const frames = batch.framesFor(this.view);
      tenant.sent = batch.end;
      if (frames.count > 0) this.writeFrames(batch, this.shared(frames), frames.count);
    } else {
      const bodies = batch.bodiesFor(this.view.named);
      const frames: Buffer[] = [];
      batch.hints.forEach((hint, i) => {
        tenant.sent = positionOf(hint);
        if (this.view.passes(hint)) frames.push(this.own(idLine(this.cursor())), this.shared(bodies[i]!));
      });
      if (frames.length > 0) this.writeFrames(batch, Buffer.concat(frames), frames.length / 2);
    }
    if (isFirst) this.socket.uncork();
  }

  private writeFrames({ written }: EntryBatch, bytes: Buffer, count: number): void {
    written.frames += count;
    written.bytes += bytes.length;
    this.send(bytes);
  }

  private shared(part: SharedBytes): Buffer {
    return this.gzip ? this.gzip.shared(part) : part.bytes;
  }

  private own(text: string): Buffer {
    return this.gzip ? this.gzip.own(text) : Buffer.from(text);
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
        { id: this.cursor() },
      ),
    );
    this.metrics.resets.inc({ reason });
  }

  private write(frame: string): void {
    if (this.endReason) return;
    if (this.opening === undefined) this.send(this.toWire(frame));
    else this.opening += frame;
  }

  /** Text of our own as it leaves: behind the head and what was kept back, if those have not left yet. */
  private toWire(text: string, isLast = false): Buffer | string {
    const { opening } = this;
    this.opening = undefined;
    const body = opening === undefined ? text : opening + text;
    const bytes = this.gzip?.own(body, isLast) ?? body;
    this.metrics.sseBytesSent.inc(Buffer.byteLength(bytes));
    if (opening === undefined) return bytes;
    const head = streamHead(this.gzip ? this.fields + GZIP_FIELD : this.fields);
    return typeof bytes === 'string' ? head + bytes : Buffer.concat([Buffer.from(head), bytes]);
  }

  private send(bytes: Buffer | string): void {
    this.socket.write(bytes);
    if (this.socket.writableLength > this.limits.backlogBytes) this.close('slow');
  }

  /** Waits until the client has read what was written, for as long as a client may stall. */
  private async drained(): Promise<void> {
    const wait = new AbortController();
    const stall = setTimeout(() => wait.abort(), this.limits.stallMs);
    try {
      await Promise.race([once(this.socket, 'drain', wait), once(this.socket, 'close', wait)]);
    } catch {
      this.close('slow');
    } finally {
      clearTimeout(stall);
      wait.abort();
    }
  }

  private end(reason: EndReason): void {
    if (this.endReason) return;
    this.endReason = reason;
    for (const { feed, lender } of this.followed) {
      if (reason === 'slow') feed.closedSlow += 1;
      feed.leave(this);
      lender.release(feed.tenant);
    }
    if (this.opened) this.account(reason);
    const listeners = this.endListeners;
    this.endListeners = [];
    for (const listener of listeners) listener(reason);
  }

  private account(reason: EndReason): void {
    const seconds = (performance.now() - this.openedAt) / 1000;
    this.metrics.sseConnectionsClosed.inc({ reason });
    this.metrics.sseConnectionDuration.observe(seconds);
    const positions = this.followed.map(({ feed, sent }) => `${feed.tenant} ${formatPosition(sent)}`);
    this.logger.info({ reason, duration_ms: Math.round(seconds * 1000), positions }, 'stream closed');
  }
}

const positionOf = ({ epoch, seq, fp }: LogPosition): LogPosition => ({ epoch, seq, fp });
