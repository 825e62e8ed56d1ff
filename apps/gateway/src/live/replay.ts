import type { CloseReason, GapReason, Hint, LogPosition } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';
import { readBehind, type Page } from '../feeds/catch-up';
import type { TenantFeed } from '../feeds/tenant-feed';
import { replayBatch, type EntryBatch } from '../frames/entry-batch';
import type { SocketWriter } from './socket-writer';
import type { Place, StreamPosition } from './stream-position';

/**
 * How often a read of the event log may lack entries that the feed has, before the stream is closed so that the client
 * reconnects.
 */
const MAX_EMPTY_PAGES = 5;
/** How many bytes of a replay are written before the socket gets time to send. */
const REPLAY_CHUNK_BYTES = 65_536;

/**
 * Entries that need no query. `upTo`: they hold every entry up to this position that the stream wants. It is the
 * client's position once they are written.
 */
export interface InHand {
  intact: true;
  hints: readonly Hint[];
  upTo?: LogPosition | undefined;
}

/** A tenant that a stream follows, and how far the client is behind it. */
export interface Replayed extends Place {
  feed: TenantFeed;
  /**
   * Entries after the position that were read when the client's place was judged, kept so that they are not read twice.
   * Undefined once they are being written, or when there are none.
   */
  opening: InHand | undefined;
  /**
   * While the stream is behind a feed that it has left: when it last had all that the feed had, in epoch milliseconds.
   * Else Infinity.
   */
  leftAt: number;
  /** Whether a replay is under way. A second one would write the same entries again. */
  replaying: boolean;
}

/** The stream to which a tenant is replayed. */
export interface ReplayTarget<T extends Replayed> {
  readonly closed: boolean;
  /** Whether the stream still writes entries of the tenant. */
  follows(tenant: T): boolean;
  /** Joins the tenant to its feed if that is possible without waiting, and returns whether the tenant is live. */
  joined(tenant: T): boolean;
  writeEntries(tenant: T, batch: EntryBatch): void;
  /** Tells the client that entries are missing for good, and continues from the head. */
  reset(tenant: T, reason: GapReason): void;
  close(reason: CloseReason): void;
}

/** What a replay reads, measures and waits for. */
export interface ReplayMeans<T extends Replayed> {
  log: EventLog;
  position: StreamPosition<T>;
  writer: SocketWriter;
  metrics: Metrics;
  /** The most entries that are replayed for one tenant. */
  maxReplay: number;
}

/** Brings a stream up to the feed of one of its tenants, as fast as the client reads. */
export class Replay<T extends Replayed> {
  /** The history of the feed that the stream is brought up to. */
  private generation: number;

  constructor(
    private readonly stream: ReplayTarget<T>,
    private readonly tenant: T,
    private readonly means: ReplayMeans<T>,
  ) {
    this.generation = tenant.feed.generation;
  }

  /**
   * Replays until the feed has nothing more, then joins it. `joined` compares and joins with no await in between. While
   * this method reads, new entries wait in the feed's ring and in the event log, so no entries need to be kept for this
   * client. One that comes to be behind by more than is replayed, because it reads less than is published, continues
   * with what comes next. Rejects when the event log is unavailable.
   */
  async run(): Promise<void> {
    const { stream, tenant, means } = this;
    const { feed } = tenant;
    const startedAt = performance.now();
    // a client that missed as much as is replayed is not reset for what is published meanwhile
    const behind = feed.last.seq - (tenant.opening?.upTo ?? tenant.sent).seq;
    const mostBehind = Math.max(means.maxReplay, behind);
    let empty = 0;
    let replayed = 0;
    while (stream.follows(tenant)) {
      if (means.writer.needsDrain) {
        await means.writer.drained();
        continue;
      }
      if (this.isReplaced) {
        this.generation = feed.generation;
        stream.reset(tenant, 'history_replaced');
      }
      if (!tenant.opening && feed.last.seq - tenant.sent.seq > mostBehind) stream.reset(tenant, 'window_exceeded');
      if (stream.joined(tenant)) {
        // at once: the next entries may make the stream fall behind before the caller of this goes on
        tenant.replaying = false;
        tenant.leftAt = Infinity;
        means.metrics.replay.observe((performance.now() - startedAt) / 1000);
        means.metrics.replayEvents.observe(replayed);
        return;
      }
      const page: InHand | Page =
        this.inHand() ?? (await readBehind(means.log, feed.tenant, tenant.sent, feed.pageSize));
      if (this.isReplaced || !stream.follows(tenant)) continue;
      if (!page.intact) {
        await feed.check();
        if (!this.isReplaced) stream.reset(tenant, 'retention');
      } else if (page.hints.length === 0) {
        // The feed is ahead of the event log; this only happens when the history was replaced.
        if ((empty += 1) > MAX_EMPTY_PAGES) return stream.close('store_unavailable');
        await feed.check();
      } else {
        // a client that reads them is as current as the feed is now
        const currentAt = page.hints.at(-1)!.seq >= feed.last.seq ? Date.now() : 0;
        if (!(await this.write(page.hints))) continue;
        replayed += page.hints.length;
        if ('upTo' in page && page.upTo) tenant.sent = page.upTo;
        if (tenant.leftAt < currentAt) tenant.leftAt = currentAt;
      }
    }
  }

  private get isReplaced(): boolean {
    return this.tenant.feed.generation !== this.generation;
  }

  /** The entries that need no query: those of the opening, then the feed's ring. */
  private inHand(): InHand | undefined {
    const { tenant } = this;
    const { opening } = tenant;
    tenant.opening = undefined;
    if (opening) return opening;
    const hints = tenant.feed.ringBehind(tenant.sent);
    return hints && { intact: true, hints };
  }

  /** Writes entries and returns whether all were written. */
  private async write(hints: readonly Hint[]): Promise<boolean> {
    const { stream, tenant, means } = this;
    const idBytes = means.position.idBytes(hints.length) / hints.length;
    let from = 0;
    while (from < hints.length && !this.isReplaced && stream.follows(tenant)) {
      // other tenants are replayed at the same time, and each writes only when all that was written has left
      if (means.writer.needsDrain) {
        await means.writer.drained();
        continue;
      }
      let to = from;
      for (let bytes = 0; to < hints.length && bytes < REPLAY_CHUNK_BYTES; to += 1)
        bytes += hints[to]!.data!.length + idBytes;
      const batch = replayBatch(hints.slice(from, to));
      stream.writeEntries(tenant, batch);
      batch.countWritten(means.metrics);
      from = to;
    }
    return from === hints.length && !stream.closed && !this.isReplaced;
  }
}
