/** What recent samples show, in the unit of the samples. Each percentile is one of the samples (nearest rank). */
export interface Percentiles {
  samples: number;
  p50: number;
  p99: number;
}

/**
 * The samples of a last span of time, from which exact percentiles are read; a histogram counts from the start of the
 * process and knows buckets alone. To add a sample allocates nothing: the ring is made once, and is sorted by the
 * reader. When more samples come than it holds, it knows the newest.
 */
export class RecentSamples {
  private readonly times: Float64Array;
  private readonly values: Float64Array;
  private next = 0;

  constructor(
    /** How long a sample counts, in the unit of `now`. */
    private readonly window: number,
    capacity: number,
  ) {
    this.times = new Float64Array(capacity).fill(-Infinity);
    this.values = new Float64Array(capacity);
  }

  /** `now` never goes back. */
  add(value: number, now: number): void {
    this.times[this.next] = now;
    this.values[this.next] = value;
    this.next = (this.next + 1) % this.times.length;
  }

  /** Returns null when the window holds no sample. */
  percentiles(now: number): Percentiles | null {
    const recent = this.values.filter((_, place) => now - this.times[place]! <= this.window).sort();
    if (recent.length === 0) return null;
    const rank = (share: number) => recent[Math.ceil(recent.length * share) - 1]!;
    return { samples: recent.length, p50: rank(0.5), p99: rank(0.99) };
  }
}
