import type { LogPosition, StreamHead, TenantId } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';

/** Between two looks that hints ask for, however many hints come and from whomever. */
const LOOK_EVERY_MS = 100;
/** Positions asked for in one query. */
const SLICE = 500;

/** Where a feed stood when a read of the log's position began. */
export interface FeedMark {
  last: LogPosition;
  generation: number;
}

/** A feed whose position is compared with the log's. */
export interface CheckedFeed {
  readonly tenant: TenantId;
  mark(): FeedMark;
  /** Follows a position just read. `mark` was taken before it was. */
  confirm(head: StreamHead, mark: FeedMark): Promise<void>;
}

/** Compares feeds with the log, many at a time. Rejects with `Unavailable` when the log is away. */
export async function comparePositions(log: EventLog, feeds: readonly CheckedFeed[]): Promise<void> {
  for (let at = 0; at < feeds.length; at += SLICE) {
    const slice = feeds.slice(at, at + SLICE);
    const marks = slice.map((feed) => feed.mark());
    const heads = await log.heads(slice.map((feed) => feed.tenant));
    await Promise.all(heads.map((head, i) => slice[i]!.confirm(head, marks[i]!)));
  }
}

/**
 * Looks at the log for feeds that heard what proves nothing: one look at a time, at most one in 100 ms, for all feeds that
 * asked meanwhile; a feed that still follows what a look found waits for the next. So whoever can publish to the bus can
 * make a gateway ask ten times a second, and no more.
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

  /** At once, or when it is time. */
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
