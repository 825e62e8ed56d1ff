/** Refuses what was issued before `before`, until `until`. Epoch milliseconds. */
interface Times {
  before: number;
  until: number;
}

export interface Cut extends Times {
  key: string;
}

/**
 * Cuts by their key, at most `most`. Beyond it the oldest is dropped, and to be safe everything from before its time is
 * refused.
 */
export class BoundedCuts<Kept extends Cut> {
  /** In the order of their last move, so the oldest is first. */
  private readonly byKey = new Map<string, Kept>();
  /** Stands for the cuts that were dropped. */
  private all: Times | undefined;

  constructor(
    private readonly most: number,
    /** How long each is in force, in milliseconds from the time at which it was stored. */
    private readonly inForceMs: number,
    private readonly onRemoved: (cut: Kept) => void = () => undefined,
  ) {}

  get overflowed(): boolean {
    return this.all !== undefined;
  }

  get(key: string): Kept | undefined {
    return this.byKey.get(key);
  }

  /** Whether this was issued before the time of a cut that was dropped. */
  refusesAll(issuedAt: number): boolean {
    return this.all !== undefined && issuedAt < this.all.before;
  }

  /** Adds a cut, or moves that of the same key to the later time. False when it is already covered. */
  add(cut: Kept): boolean {
    // a revocation whose cut was dropped is covered already; adding it again would only push out the next cut
    if (this.all && covers(this.all, this.widened(cut))) return false;
    const known = this.byKey.get(cut.key);
    if (known) {
      if (covers(known, cut)) return false;
      Object.assign(cut, later(known, cut));
      this.remove(known);
    }
    this.byKey.set(cut.key, cut);
    if (this.byKey.size > this.most) {
      const oldest = this.oldest()!;
      this.remove(oldest);
      this.all = this.all ? later(this.all, this.widened(oldest)) : this.widened(oldest);
    }
    return true;
  }

  /** Drops what is no longer in force. */
  expire(nowMs: number): void {
    for (let oldest = this.oldest(); oldest && oldest.until <= nowMs; oldest = this.oldest()) this.remove(oldest);
    if (this.all && this.all.until <= nowMs) this.all = undefined;
  }

  private oldest(): Kept | undefined {
    const [oldest] = this.byKey.values();
    return oldest;
  }

  private remove(cut: Kept): void {
    this.byKey.delete(cut.key);
    this.onRemoved(cut);
  }

  /**
   * The cut for all users that replaces a dropped one. It never lies after the time of storing: one user's revocation
   * may name a later time, which would lock out all others.
   */
  private widened({ before, until }: Times): Times {
    return { before: Math.min(before, until - this.inForceMs), until };
  }
}

const covers = (a: Times, b: Times): boolean => a.before >= b.before && a.until >= b.until;

const later = (a: Times, b: Times): Times => ({
  before: Math.max(a.before, b.before),
  until: Math.max(a.until, b.until),
});
