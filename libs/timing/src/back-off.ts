/** How long to wait between attempts, in milliseconds. */
interface BackOff {
  /** The maximum wait before the first retry. It doubles with each further one. */
  firstMs: number;
  /** The maximum wait before any retry. */
  capMs: number;
  /** The minimum wait before any retry. Default 20. */
  floorMs?: number;
}

/**
 * The wait before a retry, in whole milliseconds: exponential back-off with full jitter. `failures` counts the failures
 * before the present one, so it is 0 for the first wait. The wait is a random time between the floor and the bound, so
 * that a hundred clients of a restarted server do not come back at the same moment.
 */
export function fullJitter(failures: number, { firstMs, capMs, floorMs = 20 }: BackOff): number {
  const bound = Math.min(capMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.round(floorMs + Math.random() * Math.max(0, bound - floorMs));
}
