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

/**
 * The most entries that are read at a time. A page is written before the next is read, so that a slow client holds at
 * most one page.
 */
const PAGE_SIZE = 500;
/**
 * The intended size of a page in bytes, and the number of entries of a page while their size is unknown: 64 of 64 KiB
 * are 4 MiB.
 */
const PAGE_BYTES = 1_048_576;
const FIRST_PAGE = 64;
/**
 * A page that is read has at most this multiple of the entries that its size was estimated from: a few small entries
 * say little about the next ones.
 */
const GROWTH = 4;

/**
 * How many entries to read at a time, estimated from `entries` known entries of the same tenant that take `bytes`
 * bytes.
 */
export function pageSizeBy(entries: number, bytes: number): number {
  if (entries === 0) return FIRST_PAGE;
  const fitting = Math.floor((PAGE_BYTES * entries) / Math.max(bytes, 1));
  return Math.max(8, Math.min(PAGE_SIZE, Math.max(FIRST_PAGE, entries * GROWTH), fitting));
}

/**
 * The index behind the page that begins at an index: `PAGE_SIZE` entries, or as many as have `PAGE_BYTES` with the last
 * of them.
 */
export function endOfPage(hints: readonly Hint[], from: number): number {
  const most = Math.min(hints.length, from + PAGE_SIZE);
  let to = from;
  for (let bytes = 0; to < most && bytes < PAGE_BYTES; to += 1) bytes += hints[to]!.data!.length;
  return to;
}

export type Page = { intact: true; hints: Hint[]; complete: boolean } | { intact: false };

/**
 * Reads the entries after a position from the event log. It reads *from* the entry at the position and compares its
 * `fp`. The event log is append-only, so an equal `fp` proves that everything up to that entry is the history that the
 * position was made from; a restored backup is detected even when its numbers fit. Not intact: the history was
 * replaced, or the entry at the position is deleted.
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

/** A feed's view of its tenant's event log, and how the feed refreshes it. */
export interface FollowedLog {
  readonly tenant: TenantId;
  readonly last: LogPosition;
  /** Entries with a lower number may be deleted. */
  readonly floorSeq: number;
  /** How many entries of this tenant to read at a time. */
  readonly pageSize: number;
  /** At most a page of the entries after a position; undefined when the event log must be read. */
  ringBehind(position: LogPosition): readonly Hint[] | undefined;
  /** Fills the ring backwards to this number. False when the ring cannot reach so far. */
  reachBack(seq: number): Promise<boolean>;
  check(): Promise<void>;
}

/** Where a stream begins in a tenant's event log, and what it tells its client about that. */
export interface Beginning {
  verdict: Verdict;
  reason: GapReason | null;
  /** How many entries the client missed for good; null when that is unknown. */
  missed: number | null;
  from: LogPosition;
  /** Entries after `from` that were read while the position was judged. */
  page: readonly Hint[];
  /**
   * The page holds every entry up to this position that the stream wants. Absent: the page holds all entries from
   * `from` on, as far as it reaches.
   */
  upTo?: LogPosition;
  /** How many of the newest entries were searched, when the search found fewer than requested. */
  searched?: number | null;
}

export const beginAtHead = (feed: FollowedLog): Beginning => ({
  verdict: 'fresh',
  reason: null,
  missed: 0,
  from: feed.last,
  page: [],
});

/**
 * Begins with the newest entries that pass the filter, wherever they are in the event log. The entries between them are
 * not read, however many there are.
 */
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
 * Judges a client's position. A gap is reported to the client and the stream continues from the head: it is never an
 * error, and no entry is skipped silently. The feed may be behind another gateway's. So before a position is judged to
 * be in the future, or its `fp` to be unknown, the feed reads the event log's position once and catches up. Rejects
 * with `Unavailable` when the event log is unavailable.
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
  // A restored backup keeps its epoch: an old position from the page may have a higher number, and the cursor sent
  // since is the right one.
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

/** The worst of several verdicts. A tenant that is new to the stream (`fresh`) ranks below one that was resumed. */
export const worstVerdict = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.reduce((worst, verdict) => (RANK[verdict] > RANK[worst] ? verdict : worst), 'fresh');
