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
import { pageSizeBy, readBehind, type FollowedLog } from './catch-up';
import type { PositionChecks } from './position-checks';
import { EntryBatch } from './sse-frame';

/** How long a hole waits for its missing hint before the log is asked: two processors may publish 6 before 5. */
const REORDER_MS = 5;
/** Of the memory that all rings share, one is filled backwards with this part at most. */
const RINGS_AT_LEAST = 4;
/** The most bytes of hints that wait for those before them. What comes beyond is read from the log. */
const MAX_EARLY_BYTES = 1_048_576;

/** When the log took an entry, in epoch milliseconds; NaN where its data does not say. Never throws: it only measures. */
function receivedAt({ data }: Hint): number {
  try {
    return Date.parse((JSON.parse(data!.toString()) as Entry).received_at);
  } catch {
    return NaN;
  }
}

/** A stream, as its feed sees it. */
export interface FeedMember {
  /** Entries right behind those the member has, to be written at once. */
  deliver(feed: TenantFeed, batch: EntryBatch): void;
  /** The history that the member followed is replaced; it goes on from `feed.last`. */
  replaced(feed: TenantFeed): void;
}

export interface FeedMark {
  last: LogPosition;
  generation: number;
}

/**
 * The memory that all rings of the process share. Beyond the bound the ring of the feed that was silent for longest goes
 * first: its streams, if any come back, read the log.
 */
export class RingBudget {
  private used = 0;
  private readonly byLastEntry = new Set<TenantFeed>();

  constructor(readonly maxBytes: number) {}

  take(feed: TenantFeed, bytes: number): void {
    this.used += bytes;
    this.byLastEntry.delete(feed);
    this.byLastEntry.add(feed);
    for (const oldest of this.byLastEntry) {
      if (this.used <= this.maxBytes) return;
      oldest.dropRing();
      this.byLastEntry.delete(oldest);
    }
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }

  forget(feed: TenantFeed): void {
    this.byLastEntry.delete(feed);
  }
}

/**
 * The live entries of one tenant inside one gateway, shared by all its streams. The feed owns a position in the log:
 * hints move it forward one by one, a hole is filled from the log, and the position check finds what no hint told.
 * A member that is live has exactly the entries up to `last`, in order, but for those that wait to leave together.
 */
export class TenantFeed implements FollowedLog {
  last: LogPosition = { epoch: '', seq: 0, fp: '0' };
  floorSeq = 0;
  /** When the position was last confirmed by the log, epoch milliseconds. */
  checkedAt = 0;
  /** Counts replaced histories, so that a member that was reading meanwhile finds out. */
  generation = 0;

  /** For those who look from outside: frames handed to streams, streams closed as slow, and when the last entry arrived (epoch ms). */
  delivered = 0;
  closedSlow = 0;
  lastEntryAt: number | null = null;

  private ring: Hint[] = [];
  private ringBytes = 0;
  private pending: Hint[] = [];
  private readonly live = new Set<FeedMember>();
  private readonly early = new Map<number, Hint>();
  private earlyBytes = 0;
  private filling: Promise<void> | undefined;
  private reaching: Promise<void> | undefined;
  private replacing: Promise<void> | undefined;
  private reorderTimer: NodeJS.Timeout | undefined;
  private flushTimer: NodeJS.Timeout | undefined;
  private flushedAt = -Infinity;

  constructor(
    readonly tenant: TenantId,
    private readonly log: EventLog,
    /** Entries kept for joining streams, and the memory that all feeds share for them. */
    private readonly ringEvents: number,
    private readonly budget: RingBudget,
    private readonly metrics: Metrics,
    private readonly logger: Log,
    private readonly joinMs: () => number,
    private readonly checks: Pick<PositionChecks, 'ask' | 'forget'>,
  ) {}

  /** Takes the log's position as its own. Called once, before the first member joins. */
  startAt(head: StreamHead): void {
    this.last = { epoch: head.epoch, seq: head.seq, fp: head.fp };
    this.floorSeq = head.floor_seq;
    this.checkedAt = Date.now();
  }

  // ---- members ----------------------------------------------------------------------------------------------------

  /**
   * Makes a member live if it has everything up to `last`. Synchronous, with no await between the comparison and the
   * joining: an entry that arrives a moment later reaches it as a delivery, one a moment earlier was compared.
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

  /** The entries behind a position, if the ring holds them; undefined when the log must be read. */
  ringBehind(position: LogPosition): Hint[] | undefined {
    const first = this.ring[0];
    if (!first || position.epoch !== first.epoch || position.seq < first.seq) return undefined;
    const at = position.seq - first.seq;
    return this.ring[at]?.fp === position.fp ? this.ring.slice(at + 1) : undefined;
  }

  /**
   * Fills the ring backwards from the log, once for everybody who asks meanwhile, so that a thousand clients that come
   * back at once cost one query. False when the ring cannot reach `seq`. Rejects with `Unavailable` when the log is away.
   */
  async reachBack(seq: number): Promise<boolean> {
    const from = Math.max(1, this.floorSeq, this.last.seq - this.ringEvents + 1);
    if (seq < from || seq >= this.firstInRing) return false;
    this.reaching ??= this.fillRingFrom(from).finally(() => {
      this.reaching = undefined;
    });
    await this.reaching;
    return true;
  }

  get ringDepth(): number {
    return this.ring.length;
  }

  /** Judged by the newest entries: those of one tenant are mostly alike. */
  get pageSize(): number {
    return pageSizeBy(this.ring.length, this.ringBytes);
  }

  get streams(): number {
    return this.live.size;
  }

  // ---- hints ------------------------------------------------------------------------------------------------------

  /** A hint proves nothing: only the next entry of this very history moves the feed, all else asks the log. */
  onHint(hint: Hint | undefined): void {
    if (!hint || hint.epoch !== this.last.epoch) {
      this.metrics.invalidHints.inc();
      this.checks.ask(this);
    } else if (hint.seq <= this.last.seq) {
      return;
    } else if (hint.seq > this.last.seq + this.ringEvents) {
      // too far ahead to wait here for those before it
      this.metrics.invalidHints.inc();
      this.checks.ask(this);
    } else if (hint.data && this.continues(hint) && !this.filling) {
      this.append(hint);
      this.takeEarly();
    } else {
      // the next number of another history: nothing that will still come can fill this hole
      const isForeign = hint.seq === this.last.seq + 1 && !this.continues(hint);
      if (hint.data && !isForeign) this.keepEarly(hint, hint.data.length);
      if (!hint.data || isForeign) void this.fill('hint');
      else this.reorderTimer ??= setTimeout(() => this.onReorderTimeout(), REORDER_MS);
    }
  }

  /** Where the feed stands: taken before a position is read, since the feed may move on while it is. */
  mark(): FeedMark {
    return { last: this.last, generation: this.generation };
  }

  /** Compares a position just read with the feed's own as it was when the read began, and follows it. */
  async confirm(head: StreamHead, { last, generation }: FeedMark): Promise<void> {
    if (generation !== this.generation) return;
    this.floorSeq = Math.max(this.floorSeq, head.floor_seq);
    const replaced = head.epoch !== last.epoch || head.seq < last.seq || (head.seq === last.seq && head.fp !== last.fp);
    if (replaced) await this.replace();
    else if (head.seq > this.last.seq) {
      await this.fill('check');
      // a read that was under way already may have begun before this position was there
      if (head.seq > this.last.seq && generation === this.generation) await this.fill('check');
    }
    this.checkedAt = Date.now();
  }

  /**
   * Reads the log's position now and follows it. Before a cursor is called future, or its `fp` unknown, it is this that says
   * so. Rejects with `Unavailable` when it could not follow.
   */
  async check(): Promise<void> {
    const mark = this.mark();
    const [head] = await this.log.heads([this.tenant]);
    if (head) await this.confirm(head, mark);
    const isBehind = head && head.seq > this.last.seq && mark.generation === this.generation;
    if (isBehind) throw new Unavailable('postgres', 'The log could not be read up to its head.');
  }

  dropRing(): void {
    this.budget.giveBack(this.ringBytes);
    this.ring = [];
    this.ringBytes = 0;
  }

  close(): void {
    clearTimeout(this.reorderTimer);
    clearTimeout(this.flushTimer);
    this.live.clear();
    this.dropRing();
    this.budget.forget(this);
    this.dropEarly();
    this.checks.forget(this);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private onReorderTimeout(): void {
    this.reorderTimer = undefined;
    this.takeEarly();
    if (this.early.size > 0) void this.fill('gap');
  }

  /** One read at a time fills up to the log's head; hints that come meanwhile wait in `early`. Never rejects. */
  private fill(cause: 'gap' | 'check' | 'hint'): Promise<void> {
    this.filling ??= this.fillUp(cause).finally(() => {
      this.filling = undefined;
      this.takeEarly();
      if (this.early.size > 0) this.reorderTimer ??= setTimeout(() => this.onReorderTimeout(), REORDER_MS);
    });
    return this.filling;
  }

  private async fillUp(cause: 'gap' | 'check' | 'hint'): Promise<void> {
    const waited = [...this.early.keys()];
    try {
      await this.readUp(cause);
    } catch (error) {
      this.logger.warn(
        { tenant_id: this.tenant, err: error },
        'a feed could not be filled from the log; the next check repeats it',
      );
    }
    // a hint goes out after the commit, and all before an entry can be read when it can: what the log did not have is not
    // of this history, and while the log is away nothing is gained by asking again at once
    for (const seq of waited) this.forgetEarly(seq);
  }

  private async readUp(cause: 'gap' | 'check' | 'hint'): Promise<void> {
    this.metrics.streamBackfills.inc({ cause });
    const { generation } = this;
    for (;;) {
      const page = await readBehind(this.log, this.tenant, this.last, this.pageSize);
      if (generation !== this.generation) return;
      if (!page.intact) return this.replace();
      // hints that waited in `early` may have moved the feed on while the page was read
      for (const hint of page.hints) if (hint.seq > this.last.seq) this.append(hint);
      this.metrics.streamBackfilledEvents.inc(page.hints.length);
      if (page.complete) return;
    }
  }

  private keepEarly(hint: Hint, bytes: number): void {
    if (this.early.has(hint.seq) || this.early.size >= this.ringEvents || this.earlyBytes + bytes > MAX_EARLY_BYTES)
      return;
    this.early.set(hint.seq, hint);
    this.earlyBytes += bytes;
  }

  private forgetEarly(seq: number): void {
    this.earlyBytes -= this.early.get(seq)?.data?.length ?? 0;
    this.early.delete(seq);
  }

  private dropEarly(): void {
    this.early.clear();
    this.earlyBytes = 0;
  }

  private takeEarly(): void {
    for (
      let hint = this.early.get(this.last.seq + 1);
      hint && this.continues(hint);
      hint = this.early.get(this.last.seq + 1)
    )
      this.append(hint);
    for (const seq of this.early.keys()) if (seq <= this.last.seq) this.forgetEarly(seq);
  }

  /**
   * Whether an entry is the next of this very history. The number alone does not say so: a database that was restored
   * keeps its epoch, and may pass the feed's number before the next check looks.
   */
  private continues(hint: Hint): boolean {
    return hint.seq === this.last.seq + 1 && hint.epoch === this.last.epoch && hint.prev_fp === this.last.fp;
  }

  private append(hint: Hint): void {
    this.last = { epoch: hint.epoch, seq: hint.seq, fp: hint.fp };
    this.pending.push(hint);
    this.ring.push(hint);
    this.keep(hint.data!.length);
    if (this.ring.length > this.ringEvents) {
      const dropped = this.ring.shift()!.data!.length;
      this.ringBytes -= dropped;
      this.budget.giveBack(dropped);
    }
    if (this.pending.length === 1) this.flushSoon();
  }

  private keep(bytes: number): void {
    this.ringBytes += bytes;
    this.budget.take(this, bytes);
  }

  private get firstInRing(): number {
    return this.ring[0]?.seq ?? this.last.seq + 1;
  }

  /** Page by page, the newest first, as far as a part of the memory reaches that all rings share. */
  private async fillRingFrom(from: number): Promise<void> {
    const { generation } = this;
    while (this.firstInRing > from && this.ringBytes < this.budget.maxBytes / RINGS_AT_LEAST) {
      const { firstInRing, last } = this;
      const first = Math.max(from, firstInRing - this.pageSize);
      const hints = (await this.log.after(this.tenant, first - 1, firstInRing - first)).map(hintOf);
      const joint = hints.at(-1);
      const fits =
        joint?.seq === firstInRing - 1 &&
        hints.length === firstInRing - first &&
        (joint.seq < last.seq || joint.fp === last.fp);
      if (!fits || generation !== this.generation || firstInRing !== this.firstInRing) return;
      this.ring = [...hints, ...this.ring];
      this.keep(hints.reduce((sum, { data }) => sum + data!.length, 0));
    }
  }

  /** At the end of this turn; while the process is busy, not sooner than a while after the last time. */
  private flushSoon(): void {
    const waitMs = this.flushedAt + this.joinMs() - performance.now();
    if (waitMs > 0) this.flushTimer = setTimeout(() => this.flush(), waitMs);
    else setImmediate(() => this.flush());
  }

  /** Entries that arrived in one turn of the event loop, or in the time in which they are joined, leave in one write a stream. */
  private flush(): void {
    if (this.pending.length === 0) return;
    const batch = new EntryBatch(this.pending);
    this.pending = [];
    this.lastEntryAt = Date.now();
    this.flushedAt = performance.now();
    for (const member of this.live) member.deliver(this, batch);
    this.delivered += batch.written.frames;
    // the one that waited longest
    if (batch.written.frames > 0) this.metrics.sampleTotal(() => receivedAt(batch.hints[0]!));
    batch.countWritten(this.metrics);
  }

  /** Only the log replaces a history: the feed begins anew at its head, and every member is told, once. */
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
    this.dropRing();
    this.dropEarly();
    this.floorSeq = 0;
    this.startAt(head);
    this.logger.warn({ tenant_id: this.tenant, epoch: head.epoch, seq: head.seq }, "a tenant's history was replaced");
    for (const member of this.live) member.replaced(this);
  }
}
