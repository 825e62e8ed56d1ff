import {
  hintOf,
  type GapReason,
  type Hint,
  type LogPosition,
  type StreamFilter,
  type TenantId,
  type Verdict,
} from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { SentPosition } from '../positions/cursor';

/** The most entries that are read at a time: a page is written before the next is read, so that a slow client holds one page at most. */
export const PAGE_SIZE = 500;
/** What a page should take, and how many entries it has while nobody knows how large they are: 64 of 64 KiB are 4 MiB. */
const PAGE_BYTES = 1_048_576;
const FIRST_PAGE = 64;
/** A page is at most so many times what its size was judged by: a few small entries say little about the next. */
const GROWTH = 4;

/** How many entries to read at a time where those that are known, of the same tenant, are so many and take so many bytes. */
export function pageSizeBy(entries: number, bytes: number): number {
  if (entries === 0) return FIRST_PAGE;
  const fitting = Math.floor((PAGE_BYTES * entries) / Math.max(bytes, 1));
  return Math.max(8, Math.min(PAGE_SIZE, Math.max(FIRST_PAGE, entries * GROWTH), fitting));
}

export type Page = { intact: true; hints: Hint[]; complete: boolean } | { intact: false };

/**
 * The entries behind a position, from the log. It reads *from* the entry at the position and compares its `fp`: the log is
 * append-only, so an equal one proves that everything up to it is the history that the position was made from, and a
 * restored backup shows even when its numbers fit. Not intact: the history was replaced, or its entry is deleted.
 */
export async function readBehind(log: EventLog, tenant: TenantId, position: LogPosition, limit: number): Promise<Page> {
  const own = position.seq > 0 ? 1 : 0;
  const events = await log.after(tenant, position.seq - own, limit + own);
  const first = events[0];
  if (own && (first?.seq !== position.seq || first.fp !== position.fp)) return { intact: false };
  const behind = events.slice(own);
  const contiguous = behind.every((event, i) => event.seq === position.seq + 1 + i && event.epoch === position.epoch);
  if (!contiguous || (own && first?.epoch !== position.epoch)) return { intact: false };
  return { intact: true, hints: behind.map(hintOf), complete: behind.length < limit };
}

/** What a feed tells about its tenant's log, and how it looks at it again. */
export interface FollowedLog {
  readonly tenant: TenantId;
  readonly last: LogPosition;
  /** Entries below it may be deleted. */
  readonly floorSeq: number;
  /** How many of its entries to read at a time. */
  readonly pageSize: number;
  ringBehind(position: LogPosition): readonly Hint[] | undefined;
  /** Fills the ring backwards, if it can reach so far. */
  reachBack(seq: number): Promise<boolean>;
  check(): Promise<void>;
}

/** Where a stream begins a tenant, and what it tells its client about that. */
export interface Beginning {
  verdict: Verdict;
  reason: GapReason | null;
  /** How many entries the client missed for good; null when that cannot be known. */
  missed: number | null;
  from: LogPosition;
  /** Entries behind `from` that were read on the way. */
  page: readonly Hint[];
  /** The page holds all that the stream wants up to here; without it, all that there is from `from` on. */
  upTo?: LogPosition;
  /** How many of the newest entries were looked at, where that was too few to find as many as were asked for. */
  searched?: number | null;
}

export const beginAtHead = (feed: FollowedLog): Beginning => ({
  verdict: 'fresh',
  reason: null,
  missed: 0,
  from: feed.last,
  page: [],
});

/** Begins with the newest entries that pass, wherever they stand: what lies between them is not read, however much it is. */
export async function beginWithNewest(
  count: number,
  filter: StreamFilter,
  feed: FollowedLog,
  log: Pick<EventLog, 'newest'>,
): Promise<Beginning> {
  const { events, from, upTo, searched } = await log.newest(feed.tenant, count, filter);
  return { verdict: 'fresh', reason: null, missed: 0, from, page: events.map(hintOf), upTo, searched: searched };
}

const gap = (feed: FollowedLog, reason: GapReason, missed: number | null): Beginning => ({
  verdict: 'gap',
  reason,
  missed,
  from: feed.last,
  page: [],
});

/**
 * Judges a client's position. A gap is told and the stream goes on from the head: never an error, and never a silent skip.
 * The feed may be behind another gateway's, so before a position is called future, or its `fp` unknown, the feed reads
 * the log's position once and fills up. Rejects with `Unavailable` when the log is away.
 */
export async function beginAt(
  sent: SentPosition,
  feed: FollowedLog,
  log: EventLog,
  maxReplay: number,
): Promise<Beginning> {
  if (sent.kind === 'none') return beginAtHead(feed);
  if (sent.kind === 'unusable') return gap(feed, sent.reason, null);
  const { position } = sent;
  const first = await judge(position, feed, log, maxReplay);
  if (first.reason !== 'history_replaced') return first;
  await feed.check();
  const second = await judge(position, feed, log, maxReplay);
  // a restored backup keeps its epoch: the page's old position may be further, and what was sent since is the truth
  return second.reason === 'history_replaced' && sent.trusted ? judge(sent.trusted, feed, log, maxReplay) : second;
}

async function judge(position: LogPosition, feed: FollowedLog, log: EventLog, maxReplay: number): Promise<Beginning> {
  const head = feed.last;
  if (position.epoch !== head.epoch || position.seq > head.seq) return gap(feed, 'history_replaced', null);
  const missed = head.seq - position.seq;
  if (position.seq < feed.floorSeq) return gap(feed, 'retention', missed);
  if (missed > maxReplay) return gap(feed, 'window_exceeded', missed);
  const resumed = (page: readonly Hint[]): Beginning => ({
    verdict: 'resumed',
    reason: null,
    missed: 0,
    from: position,
    page,
  });
  if (missed === 0 && position.fp === head.fp) return resumed([]);
  const ring =
    feed.ringBehind(position) ?? ((await feed.reachBack(position.seq)) ? feed.ringBehind(position) : undefined);
  if (ring) return resumed(ring);
  const page = await readBehind(log, feed.tenant, position, feed.pageSize);
  return page.intact ? resumed(page.hints) : gap(feed, 'history_replaced', null);
}

const RANK = { fresh: 0, resumed: 1, gap: 2 } as const;

/** The worst of several verdicts. A tenant that is new to the stream counts for less than one that was resumed. */
export const worstVerdict = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.reduce((worst, verdict) => (RANK[verdict] > RANK[worst] ? verdict : worst), 'fresh');
