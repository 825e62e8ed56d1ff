import type { Hint, LogPosition } from '@tocsin/contracts';
import { endOfPage, pageSizeBy } from './catch-up';

/** A ring is filled backwards up to the memory that all rings share, divided by this number. */
const RINGS_AT_LEAST = 4;
/** How many entries of a ring are loose at most. */
const MOST_LOOSE = 64;
/**
 * The size of the pieces of memory that hold the entries of a ring. An entry that is kept elsewhere, as those of a
 * replay are, keeps its piece alive.
 */
const PIECE_BYTES = 65_536;

/**
 * The memory that all rings of the process share. When it is used up, the ring of the feed that was silent for longest
 * is dropped first: streams that join that feed later read the event log.
 */
export class RingBudget {
  private used = 0;
  private readonly byLastEntry = new Set<Ring>();

  constructor(readonly maxBytes: number) {}

  take(ring: Ring, bytes: number): void {
    this.used += bytes;
    this.byLastEntry.delete(ring);
    this.byLastEntry.add(ring);
    for (const oldest of this.byLastEntry) {
      if (this.used <= this.maxBytes) return;
      oldest.drop();
      this.byLastEntry.delete(oldest);
    }
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }

  forget(ring: Ring): void {
    this.byLastEntry.delete(ring);
  }
}

/**
 * The newest entries of one tenant, without a hole. A client that was away for a short time gets what it missed without
 * a query.
 */
export class Ring {
  private entries: Hint[] = [];
  /**
   * The newest entries whose data is a part of what was read from a socket at once, up to 64 KiB: it keeps all of that
   * alive.
   */
  private loose: Hint[] = [];
  private bytes = 0;

  constructor(
    /** The most entries that the ring holds. */
    readonly maxEntries: number,
    private readonly budget: RingBudget,
  ) {}

  get depth(): number {
    return this.entries.length;
  }

  /** The number of the oldest entry; undefined when the ring is empty. */
  get firstSeq(): number | undefined {
    return this.entries[0]?.seq;
  }

  /**
   * How many entries to read from the event log at a time, estimated from the newest: entries of one tenant are mostly
   * alike.
   */
  get pageSize(): number {
    return pageSizeBy(this.entries.length, this.bytes);
  }

  /** Whether the ring may be filled further backwards. */
  get hasRoom(): boolean {
    return this.bytes < this.budget.maxBytes / RINGS_AT_LEAST;
  }

  /**
   * The entries after a position, at most a page of them, because a slow client keeps them alive for longer than the
   * ring does. Undefined when the ring does not reach back to it, or when the position belongs to another history.
   */
  behind(position: LogPosition): Hint[] | undefined {
    const first = this.entries[0];
    if (!first || position.epoch !== first.epoch || position.seq < first.seq) return undefined;
    const at = position.seq - first.seq;
    const isOurs = this.entries[at]?.fp === position.fp;
    return isOurs ? this.entries.slice(at + 1, endOfPage(this.entries, at + 1)) : undefined;
  }

  /** Adds the next entry. Beyond the limit the oldest entry is removed. */
  push(hint: Hint): void {
    if (isLoose(hint) && this.loose.push(hint) === MOST_LOOSE) this.tidy();
    this.entries.push(hint);
    this.grow(hint.data!.length);
    if (this.entries.length <= this.maxEntries) return;
    const dropped = this.entries.shift()!.data!.length;
    this.bytes -= dropped;
    this.budget.giveBack(dropped);
  }

  /** Adds entries that come directly before the oldest one. */
  prepend(hints: readonly Hint[]): void {
    pack(hints);
    this.entries = [...hints, ...this.entries];
    this.grow(hints.reduce((sum, { data }) => sum + data!.length, 0));
  }

  /**
   * Copies what is loose, so that the ring keeps no more memory alive than it counts. Called regularly, and not for
   * each entry: an allocation costs more than a copy.
   */
  tidy(): void {
    if (this.loose.length === 0) return;
    pack(this.loose);
    this.loose = [];
  }

  drop(): void {
    this.budget.giveBack(this.bytes);
    this.entries = [];
    this.loose = [];
    this.bytes = 0;
  }

  /** Drops the ring for good. */
  close(): void {
    this.drop();
    this.budget.forget(this);
  }

  private grow(bytes: number): void {
    this.bytes += bytes;
    this.budget.take(this, bytes);
  }
}

/** Whether the data of an entry keeps much more memory alive than itself. */
const isLoose = ({ data }: Hint): boolean => data !== null && data.buffer.byteLength > 2 * data.length;

/** Copies the data of entries into pieces of memory of their own. A larger entry has a piece for itself. */
function pack(hints: readonly Hint[]): void {
  for (let from = 0; from < hints.length;) {
    let to = from;
    let bytes = 0;
    do bytes += hints[to++]!.data!.length;
    while (to < hints.length && bytes + hints[to]!.data!.length <= PIECE_BYTES);
    const piece = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const hint of hints.slice(from, to)) {
      const end = at + hint.data!.copy(piece, at);
      hint.data = piece.subarray(at, end);
      at = end;
    }
    from = to;
  }
}
