/**
 * The wait before an attempt, in milliseconds: a random time between `floorMs` and an exponentially growing bound, so
 * that a hundred clients of a restarted broker do not come back at the same moment.
 */
export function fullJitter(
  attempt: number,
  { firstMs, capMs, floorMs = 20 }: { firstMs: number; capMs: number; floorMs?: number },
): number {
  const bound = Math.min(capMs, firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(floorMs + Math.random() * Math.max(0, bound - floorMs));
}
