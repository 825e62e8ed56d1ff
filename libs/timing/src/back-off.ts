/** How long to wait between attempts, in milliseconds. */
interface BackOff {
  /** The most before the first attempt that is made anew; doubled with each further one. */
  firstMs: number;
  /** The most before any attempt. */
  capMs: number;
  /** The least before any attempt. Default 20. */
  floorMs?: number;
}

/**
 * The wait before an attempt is made anew, in whole milliseconds: exponential back-off with full jitter. `failures` counts those
 * before this one, so the first wait is that of 0. The wait lies anywhere between the floor and the bound, so that a hundred
 * clients of a restarted server do not come back in the same moment.
 */
export function fullJitter(failures: number, { firstMs, capMs, floorMs = 20 }: BackOff): number {
  const bound = Math.min(capMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.round(floorMs + Math.random() * Math.max(0, bound - floorMs));
}
