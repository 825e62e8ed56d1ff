import { hintOf, Unavailable, type Hint, type LogPosition, type StreamHead, type TenantId } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { EntryBatch } from '../frames/entry-batch';
import { readBehind, type FollowedLog } from './catch-up';
import { EarlyHints } from './early-hints';
import { JoinedEntries } from './joined-entries';
import type { CheckedFeed, FeedMark, PositionChecks } from './position-checks';
import { Ring, type RingBudget } from './ring';

/** How long a hole waits for its missing hint before the log is asked: two processors may publish 6 before 5. */
const REORDER_MS = 5;

/** A stream, as its feed sees it. */
export interface FeedMember {
  /** Entries right behind those the member has, to be written at once. */
  deliver(feed: TenantFeed, batch: EntryBatch): void;
  /** The history that the member followed is replaced; it goes on from `feed.last`. */
  replaced(feed: TenantFeed): void;
}

/**
 * The live entries of one tenant inside one gateway, shared by all its streams. The feed owns a position in the log:
 * hints move it forward one by one, a hole is filled from the log, and the position check finds what no hint told.
 * A member that is live has exactly the entries up to `last`, in order, but for those that wait to leave together.
 */
export class TenantFeed implements FollowedLog, CheckedFeed {
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

  private readonly ring: Ring;
  private readonly early: EarlyHints;
  private readonly joined: JoinedEntries;
  private readonly live = new Set<FeedMember>();
  private filling: Promise<void> | undefined;
  private reaching: Promise<void> | undefined;
  private replacing: Promise<void> | undefined;
  private reorderTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly tenant: TenantId,
    private readonly log: EventLog,
    /** Entries kept for joining streams, and the memory that all feeds share for them. */
    ringEvents: number,
    budget: RingBudget,
    private readonly metrics: Metrics,
    private readonly logger: Log,
    joinMs: () => number,
    private readonly checks: Pick<PositionChecks, 'ask' | 'forget'>,
  ) {
    this.ring = new Ring(ringEvents, budget);
    this.early = new EarlyHints(ringEvents);
    this.joined = new JoinedEntries(joinMs, () => this.flush());
  }

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
    return this.ring.behind(position);
  }

  /**
   * Fills the ring backwards from the log, once for everybody who asks meanwhile, so that a thousand clients that come
   * back at once cost one query. False when the ring cannot reach `seq`. Rejects with `Unavailable` when the log is away.
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

  /** A hint proves nothing: only the next entry of this very history moves the feed, all else asks the log. */
  onHint(hint: Hint | undefined): void {
    if (!hint || hint.epoch !== this.last.epoch) {
      this.metrics.invalidHints.inc();
      this.checks.ask(this);
    } else if (hint.seq <= this.last.seq) {
      return;
    } else if (hint.seq > this.last.seq + this.ring.maxEntries) {
      // too far ahead to wait here for those before it
      this.metrics.invalidHints.inc();
      this.checks.ask(this);
    } else if (hint.data && this.continues(hint) && !this.filling) {
      this.append(hint);
      this.takeEarly();
    } else {
      // the next number of another history: nothing that will still come can fill this hole
      const isForeign = hint.seq === this.last.seq + 1 && !this.continues(hint);
      if (hint.data && !isForeign) this.early.keep(hint);
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

  close(): void {
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
    const waited = this.early.seqs;
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
    for (const seq of waited) this.early.forget(seq);
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

  private takeEarly(): void {
    for (;;) {
      const next = this.early.at(this.last.seq + 1);
      if (!next || !this.continues(next)) break;
      this.append(next);
    }
    this.early.forgetUpTo(this.last.seq);
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
    this.ring.push(hint);
    this.joined.add(hint);
  }

  private get firstInRing(): number {
    return this.ring.firstSeq ?? this.last.seq + 1;
  }

  /** Page by page, the newest first, as far as a part of the memory reaches that all rings share. */
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
    }
  }

  /** Entries that arrived in one turn of the event loop, or in the time in which they are joined, leave in one write a stream. */
  private flush(): void {
    const hints = this.joined.take();
    if (!hints) return;
    const batch = new EntryBatch(hints);
    this.lastEntryAt = Date.now();
    for (const member of this.live) member.deliver(this, batch);
    this.delivered += batch.written.frames;
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
    this.ring.drop();
    this.early.clear();
    this.floorSeq = 0;
    this.startAt(head);
    this.logger.warn({ tenant_id: this.tenant, epoch: head.epoch, seq: head.seq }, "a tenant's history was replaced");
    for (const member of this.live) member.replaced(this);
  }
}
