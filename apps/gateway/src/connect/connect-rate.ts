/**
 * The most users that are remembered. Beyond it the user that has been idle for longest is forgotten and starts with a
 * full bucket.
 */
const MAX_USERS = 100_000;
/**
 * The size of a burst, in seconds of the rate: a browser restores its tabs at once, 20 at the default of 5 a second.
 */
const BURST_S = 4;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** One token bucket for each user, in this process alone: another gateway may admit a user that this one refuses. */
export class ConnectRate {
  /** Sorted by the last connection attempt. A user without a bucket has a full one. */
  private readonly buckets = new Map<string, Bucket>();
  private readonly burst: number;

  constructor(
    /** Connections per second; 0: unlimited. */
    private readonly perSecond: number,
    private readonly now: () => number,
    private readonly maxUsers = MAX_USERS,
  ) {
    this.burst = Math.max(1, perSecond * BURST_S);
  }

  get size(): number {
    return this.buckets.size;
  }

  /** Whether the user may connect now. A refused attempt costs no token. */
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
