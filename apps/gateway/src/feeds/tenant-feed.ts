import {
  hintOf,
  Unavailable,
  type Entry,
  type Hint,
  type LogPosition,
  type StreamHead,
  type TenantId,
} from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { EntryBatch } from '../frames/entry-batch';
import { readBehind, type FollowedLog } from './catch-up';
import { EarlyHints } from './early-hints';
import type { FanOutSpans } from './fan-out-spans';
import { JoinedEntries } from './joined-entries';
import type { CheckedFeed, FeedMark, PositionChecks } from './position-checks';
import { Ring, type RingBudget } from './ring';

/**
 * How long a hole waits for its missing hint before the event log is read: of two processors one may publish 6 before
 * the other publishes 5. In milliseconds.
 */
const REORDER_MS = 5;

/**
 * When the event log stored an entry, in epoch milliseconds; NaN when its data does not say. Never throws, because it
 * only serves a metric.
 */
function receivedAt({ data }: Hint): number {
  try {
    return Date.parse((JSON.parse(data!.toString()) as Entry).received_at);
  } catch {
    return NaN;
  }
}

/** A stream from its feed's point of view. */
export interface FeedMember {
  /**
   * Hands over the entries that follow those the member has. It writes them at once, or leaves the feed, and reads them
   * from the ring or the event log.
   */
  deliver(feed: TenantFeed, batch: EntryBatch): void;
  /** Tells that the history that the member followed was replaced; the member continues from `feed.last`. */
  replaced(feed: TenantFeed): void;
}

/**
 * The live entries of one tenant inside one gateway, shared by all its streams. The feed owns a position in the event
 * log: hints move it forward one by one, a hole is filled from the event log, and the position check finds entries for
 * which no hint came. A live member has exactly the entries up to `last`, in order, except for those that wait to be
 * written together.
 */
export class TenantFeed implements FollowedLog, CheckedFeed {
  last: LogPosition = { epoch: '', seq: 0, fp: '0' };
  floorSeq = 0;
  /** When the event log last confirmed the position, in epoch milliseconds. */
  checkedAt = 0;
  /** Counts replaced histories, and the end of the feed, so that what was being read at the time is dropped. */
  generation = 0;

  /** Statistics: frames handed to streams, streams closed as slow, and when the last entry arrived (epoch ms). */
  delivered = 0;
  closedSlow = 0;
  lastEntryAt: number | null = null;

  private readonly ring: Ring;
  private readonly early: EarlyHints;
  private readonly joined: JoinedEntries;
  private readonly live = new Set<FeedMember>();
  private filling: Promise<void> | undefined;
  private reaching: Promise<void> | undefined;
  private replacing: Promise<void> | undefined;
  private reorderTimer: NodeJS.Timeout | undefined;
  /** The furthest entry of which a hint without data told while the event log was being read. */
  private told = 0;

  constructor(
    readonly tenant: TenantId,
    private readonly log: EventLog,
    /** How many entries are kept for joining streams, and the memory that all feeds share for them. */
    ringEvents: number,
    budget: RingBudget,
    private readonly metrics: Metrics,
    private readonly logger: Log,
    joinMs: () => number,
    private readonly checks: Pick<PositionChecks, 'ask' | 'forget'>,
    private readonly spans: FanOutSpans,
  ) {
    this.ring = new Ring(ringEvents, budget);
    this.early = new EarlyHints(ringEvents);
    this.joined = new JoinedEntries(joinMs, () => this.flush());
  }

  /** Starts the feed at the event log's position. Called once, before the first member joins. */
  startAt(head: StreamHead): void {
    this.last = { epoch: head.epoch, seq: head.seq, fp: head.fp };
    this.floorSeq = head.floor_seq;
    this.checkedAt = Date.now();
  }

  // ---- members ----------------------------------------------------------------------------------------------------

  /**
   * Makes a member live if it has everything up to `last`. It is synchronous, with no await between the comparison and
   * the joining: an entry that arrives later is delivered to the member, and an entry that arrived earlier was part of
   * the comparison.
   */
  join(member: FeedMember, position: LogPosition): boolean {
    this.flush();
    if (position.seq !== this.last.seq || position.fp !== this.last.fp || position.epoch !== this.last.epoch)
      return false;
    this.live.add(member);
    return true;
  }

  leave(member: FeedMember): void {
    this.live.delete(member);
  }

  /** At most a page of the entries after a position, if the ring holds them. Undefined: the event log must be read. */
  ringBehind(position: LogPosition): Hint[] | undefined {
    return this.ring.behind(position);
  }

  /**
   * Fills the ring backwards from the event log, once for all callers that ask in the meantime, so that a thousand
   * clients that reconnect at once cost one query. False when the ring cannot reach `seq`. Rejects with `Unavailable`
   * when the event log is unavailable.
   */
  async reachBack(seq: number): Promise<boolean> {
    const from = Math.max(1, this.floorSeq, this.last.seq - this.ring.maxEntries + 1);
    if (seq < from || seq >= this.firstInRing) return false;
    this.reaching ??= this.fillRingFrom(from).finally(() => {
      this.reaching = undefined;
    });
    await this.reaching;
    return true;
  }

  get ringDepth(): number {
    return this.ring.depth;
  }

  get pageSize(): number {
    return this.ring.pageSize;
  }

  get streams(): number {
    return this.live.size;
  }

  // ---- hints ------------------------------------------------------------------------------------------------------

  /**
   * Handles a hint. A hint proves nothing: only the next entry of this very history moves the feed, and any other hint
   * makes it read the event log.
   */
  onHint(hint: Hint | undefined): void {
    if (hint?.hops && hint.epoch === this.last.epoch) this.spans.hinted(this.tenant, hint);
    if (!hint || hint.epoch !== this.last.epoch) {
      this.metrics.invalidHints.inc();
      this.checks.ask(this);
    } else if (hint.seq <= this.last.seq) {
      return;
    } else if (hint.seq > this.last.seq + this.ring.maxEntries) {
      // The hint is too far ahead to be kept until its predecessors arrive. It is not invalid: under a bulk load hints
      // run ahead of a feed that reads the log.
      this.checks.ask(this);
    } else if (hint.data && this.continues(hint) && !this.filling) {
      this.append(hint);
      this.takeEarly();
    } else {
      // The hint has the next number but belongs to another history: no later hint can fill this hole.
      const isForeign = hint.seq === this.last.seq + 1 && !this.continues(hint);
      if (hint.data && !isForeign) this.early.keep(hint);
      if (!hint.data || isForeign) this.fillUpTo(hint.seq);
      else this.reorderTimer ??= setTimeout(() => this.onReorderTimeout(), REORDER_MS);
    }
  }

  /**
   * The feed's position, to be taken before the event log's position is read, since the feed may move on during the
   * read.
   */
  mark(): FeedMark {
    return { last: this.last, generation: this.generation };
  }

  /** Compares a position that was just read with the feed's position when the read began, and catches up. */
  async confirm(head: StreamHead, { last, generation }: FeedMark): Promise<void> {
    this.ring.tidy();
    if (generation !== this.generation) return;
    this.floorSeq = Math.max(this.floorSeq, head.floor_seq);
    const replaced = head.epoch !== last.epoch || head.seq < last.seq || (head.seq === last.seq && head.fp !== last.fp);
    if (replaced) await this.replace();
    else if (head.seq > this.last.seq) {
      await this.fill('check');
      // A read that was already running may have begun before this position existed.
      if (head.seq > this.last.seq && generation === this.generation) await this.fill('check');
      // the log could not be read: clients are not told that this position was checked
      if (head.seq > this.last.seq && generation === this.generation) return;
    }
    this.checkedAt = Date.now();
  }

  /**
   * Reads the event log's position now and catches up. Only this read decides that a cursor is in the future or its
   * `fp` is unknown. Rejects with `Unavailable` when it could not catch up.
   */
  async check(): Promise<void> {
    const mark = this.mark();
    const [head] = await this.log.heads([this.tenant]);
    if (head) await this.confirm(head, mark);
    const isBehind = head && head.seq > this.last.seq && mark.generation === this.generation;
    if (isBehind) throw new Unavailable('log', 'The log could not be read up to its head.');
  }

  close(): void {
    this.generation += 1; // ends what is being read
    this.told = 0;
    clearTimeout(this.reorderTimer);
    this.joined.close();
    this.live.clear();
    this.ring.close();
    this.early.clear();
    this.checks.forget(this);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private onReorderTimeout(): void {
    this.reorderTimer = undefined;
    this.takeEarly();
    if (this.early.size > 0) void this.fill('gap');
  }

  /**
   * Fills the feed because of an entry whose hint came without data. A read that was already running may have begun
   * before the entry existed, so another one follows it.
   */
  private fillUpTo(seq: number): void {
    if (this.filling) this.told = Math.max(this.told, seq);
    else void this.fill('hint');
  }

  /**
   * Fills the feed up to the event log's head, one read at a time; hints that arrive in the meantime wait in `early`.
   * Never rejects.
   */
  private fill(cause: 'gap' | 'check' | 'hint'): Promise<void> {
    this.filling ??= this.fillUp(cause).finally(() => {
      this.filling = undefined;
      this.takeEarly();
      const { told } = this;
      this.told = 0;
      if (told > this.last.seq) void this.fill('hint');
      if (this.early.size > 0) this.reorderTimer ??= setTimeout(() => this.onReorderTimeout(), REORDER_MS);
    });
    return this.filling;
  }

  private async fillUp(cause: 'gap' | 'check' | 'hint'): Promise<void> {
    const waited = this.early.seqs;
    try {
      await this.readUp(cause);
    } catch (error) {
      this.logger.warn(
        { tenant_id: this.tenant, err: error },
        'a feed could not be filled from the log; the next check repeats it',
      );
    }
    // A hint is sent after the commit, and by then all entries before it can be read too. So a hint that the event log
    // did not have is not of this history. While the event log is unavailable, asking again at once gains nothing.
    for (const seq of waited) this.early.forget(seq);
  }

  private async readUp(cause: 'gap' | 'check' | 'hint'): Promise<void> {
    this.metrics.streamBackfills.inc({ cause });
    const { generation } = this;
    for (;;) {
      const page = await readBehind(this.log, this.tenant, this.last, this.pageSize);
      if (generation !== this.generation) return;
      if (!page.intact) return this.replace();
      // Hints that waited in `early` may have moved the feed on while the page was read.
      for (const hint of page.hints) if (hint.seq > this.last.seq) this.append(hint);
      this.metrics.streamBackfilledEvents.inc({ cause }, page.hints.length);
      if (page.complete) return;
    }
  }

  private takeEarly(): void {
    for (;;) {
      const next = this.early.at(this.last.seq + 1);
      if (!next || !this.continues(next)) break;
      this.append(next);
    }
    this.early.forgetUpTo(this.last.seq);
  }

  /**
   * Whether an entry is the next of this very history. Its number alone does not prove that: a restored database keeps
   * its epoch and may pass the feed's number before the next check.
   */
  private continues(hint: Hint): boolean {
    return hint.seq === this.last.seq + 1 && hint.epoch === this.last.epoch && hint.prev_fp === this.last.fp;
  }

  private append(hint: Hint): void {
    this.last = { epoch: hint.epoch, seq: hint.seq, fp: hint.fp };
    this.ring.push(hint);
    this.joined.add(hint);
    if (hint.trace) this.spans.arrived(hint);
  }

  private get firstInRing(): number {
    return this.ring.firstSeq ?? this.last.seq + 1;
  }

  /** Fills the ring page by page, the newest first, within its part of the memory that all rings share. */
  private async fillRingFrom(from: number): Promise<void> {
    const { generation } = this;
    while (this.firstInRing > from && this.ring.hasRoom) {
      const { firstInRing, last } = this;
      const first = Math.max(from, firstInRing - this.pageSize);
      const hints = (await this.log.after(this.tenant, first - 1, firstInRing - first)).map(hintOf);
      const joint = hints.at(-1);
      const fits =
        joint?.seq === firstInRing - 1 &&
        hints.length === firstInRing - first &&
        (joint.seq < last.seq || joint.fp === last.fp);
      if (!fits || generation !== this.generation || firstInRing !== this.firstInRing) return;
      this.ring.prepend(hints);
      // there is no room for a page: the budget has dropped this very ring
      if (this.firstInRing !== first) return;
    }
  }

  /** Delivers the entries of one turn of the event loop, or of the join delay, with one write for each stream. */
  private flush(): void {
    const hints = this.joined.take();
    if (!hints) return;
    const batch = new EntryBatch(hints);
    this.lastEntryAt = Date.now();
    for (const member of this.live) member.deliver(this, batch);
    this.delivered += batch.written.frames;
    this.spans.written(this.tenant, batch);
    // The first entry of the batch waited longest.
    if (batch.written.frames > 0) this.metrics.total.take(() => receivedAt(batch.hints[0]!));
    batch.countWritten(this.metrics);
  }

  /** Begins anew at the event log's head and tells every member once. Only the event log can replace a history. */
  private replace(): Promise<void> {
    this.replacing ??= this.beginAnew().finally(() => {
      this.replacing = undefined;
    });
    return this.replacing;
  }

  private async beginAnew(): Promise<void> {
    const [head] = await this.log.heads([this.tenant]);
    if (!head) return;
    this.flush();
    this.generation += 1;
    this.ring.drop();
    this.early.clear();
    this.floorSeq = 0;
    this.startAt(head);
    this.logger.warn({ tenant_id: this.tenant, epoch: head.epoch, seq: head.seq }, "a tenant's history was replaced");
    for (const member of this.live) member.replaced(this);
  }
}
