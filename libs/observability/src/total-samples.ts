import type { Histogram } from 'prom-client';
import { RecentSamples } from './recent-samples';

/** The shortest time between two samples, in milliseconds: the cost of measuring does not grow with the load. */
export const TOTAL_EVERY_MS = 50;
/** How far back `recent` looks, in milliseconds. */
export const RECENT_TOTAL_MS = 5 * 60_000;

/** Samples of the stage `total`: from an entry's `received_at` until it is written to the sockets of a gateway. */
export class TotalSamples {
  /** The newest samples, in milliseconds, by `performance.now()`. */
  readonly recent = new RecentSamples(RECENT_TOTAL_MS, RECENT_TOTAL_MS / TOTAL_EVERY_MS);
  private takenAt = -Infinity;

  /** `seconds`: where the samples are counted. */
  constructor(private readonly seconds: Pick<Histogram.Internal<string>, 'observe'>) {}

  /**
   * Takes a sample of an entry that was just written, unless the last sample is less than `TOTAL_EVERY_MS` ago.
   * `receivedAt` gives the entry's `received_at` in epoch milliseconds, or NaN when it cannot be read. It is called
   * only when a sample is due.
   */
  take(receivedAt: () => number): void {
    const now = performance.now();
    if (now - this.takenAt < TOTAL_EVERY_MS) return;
    this.takenAt = now;
    const tookMs = Date.now() - receivedAt();
    // the two clocks may differ: an entry that seems to be written before it was received counts as 0
    if (Number.isNaN(tookMs)) return;
    this.seconds.observe(Math.max(0, tookMs) / 1000);
    this.recent.add(Math.max(0, tookMs), now);
  }
}
