/** More users than this within a bucket's time are not told apart by age: the one that is longest idle starts afresh. */
const MAX_USERS = 100_000;
/** What may come at once, in seconds of the rate: a browser restores its tabs, 20 at the default of 5 a second. */
const BURST_S = 4;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket a user, in this process alone: whoever is refused here may be let in elsewhere. */
export class ConnectRate {
  /** In the order of their last connect. A bucket that is absent is full. */
  private readonly buckets = new Map<string, Bucket>();
  private readonly burst: number;

  constructor(
    /** 0: any number. */
    private readonly perSecond: number,
    private readonly now: () => number,
    private readonly maxUsers = MAX_USERS,
  ) {
    this.burst = Math.max(1, perSecond * BURST_S);
  }

  get size(): number {
    return this.buckets.size;
  }

  /** Whether the user may connect now. One who may not loses nothing by having asked. */
  allows(user: string): boolean {
    if (this.perSecond === 0) return true;
    const now = this.now();
    this.forgetFull(now);
    const { tokens, atMs } = this.buckets.get(user) ?? { tokens: this.burst, atMs: now };
    const available = Math.min(this.burst, tokens + ((now - atMs) / 1000) * this.perSecond);
    if (available < 1) return false;
    this.buckets.delete(user);
    this.buckets.set(user, { tokens: available - 1, atMs: now });
    return true;
  }

  private forgetFull(now: number): void {
    const refilledMs = (this.burst / this.perSecond) * 1000;
    for (const [user, { atMs }] of this.buckets) {
      if (now - atMs < refilledMs && this.buckets.size < this.maxUsers) break;
      this.buckets.delete(user);
    }
  }
}
