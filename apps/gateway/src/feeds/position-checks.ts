import type { LogPosition, StreamHead, TenantId } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';

/** The shortest time between two reads that hints cause, independent of the number of hints and their publishers. */
const LOOK_EVERY_MS = 100;
/** The most positions that one query reads. */
const SLICE = 500;

/** The position of a feed when a read of the event log's position began. */
export interface FeedMark {
  last: LogPosition;
  generation: number;
}

/** A feed whose position is compared with the event log's. */
export interface CheckedFeed {
  readonly tenant: TenantId;
  mark(): FeedMark;
  /** Catches up to a position that was just read. `mark` was taken before the read. */
  confirm(head: StreamHead, mark: FeedMark): Promise<void>;
}

/**
 * Compares feeds with the event log, many in one query. Rejects with `Unavailable` when the event log is unavailable.
 */
export async function comparePositions(log: EventLog, feeds: readonly CheckedFeed[]): Promise<void> {
  for (let at = 0; at < feeds.length; at += SLICE) {
    const slice = feeds.slice(at, at + SLICE);
    const marks = slice.map((feed) => feed.mark());
    const heads = await log.heads(slice.map((feed) => feed.tenant));
    await Promise.all(heads.map((head, i) => slice[i]!.confirm(head, marks[i]!)));
  }
}

/**
 * Reads the event log's positions for feeds that received a hint which proves nothing: one read at a time, at most one
 * in 100 ms, for all feeds that asked in the meantime. A feed that is still catching up after a read waits for the next
 * one. So a client that can publish to the bus can cause ten reads a second, and no more.
 */
export class PositionChecks {
  private readonly asked = new Set<CheckedFeed>();
  private readonly following = new Set<CheckedFeed>();
  private timer: NodeJS.Timeout | undefined;
  private looking = false;
  private lookedAt = -Infinity;
  private closed = false;

  constructor(
    private readonly log: EventLog,
    private readonly logger: Log,
  ) {}

  /** Has the feed's position checked: at once, or when the shortest time between two reads has passed. */
  ask(feed: CheckedFeed): void {
    if (this.closed) return;
    this.asked.add(feed);
    this.schedule();
  }

  forget(feed: CheckedFeed): void {
    this.asked.delete(feed);
  }

  close(): void {
    this.closed = true;
    this.asked.clear();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private schedule(): void {
    if (this.timer || this.looking || this.closed || ![...this.asked].some((feed) => !this.following.has(feed))) return;
    const waitMs = Math.max(0, this.lookedAt + LOOK_EVERY_MS - performance.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.look();
    }, waitMs);
  }

  private async look(): Promise<void> {
    this.looking = true;
    this.lookedAt = performance.now();
    const feeds = [...this.asked].filter((feed) => !this.following.has(feed)).slice(0, SLICE);
    for (const feed of feeds) this.asked.delete(feed);
    const marks = feeds.map((feed) => feed.mark());
    try {
      const heads = await this.log.heads(feeds.map(({ tenant }) => tenant));
      heads.forEach((head, i) => void this.follow(feeds[i]!, head, marks[i]!));
    } catch (error) {
      this.logger.warn(
        { feeds: feeds.length, err: error },
        'the positions of feeds could not be read; the next check repeats it',
      );
    } finally {
      this.looking = false;
      this.schedule();
    }
  }

  private async follow(feed: CheckedFeed, head: StreamHead, mark: FeedMark): Promise<void> {
    this.following.add(feed);
    try {
      await feed.confirm(head, mark);
    } catch (error) {
      this.logger.warn(
        { tenant_id: feed.tenant, err: error },
        'a feed could not follow the log; the next check repeats it',
      );
    } finally {
      this.following.delete(feed);
      this.schedule();
    }
  }
}
