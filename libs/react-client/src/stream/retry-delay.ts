const FIRST_MS = 1_000;
const CAP_MS = 30_000;

/**
 * How long to wait before an attempt, in milliseconds. `attempt` counts the failures since the stream was last well, the
 * first is 0. Half of an exponentially growing bound is certain and half is drawn, so that a crowd of clients that lost one
 * server does not come back in one moment. What the server asked for is the least, stretched by up to a fifth.
 */
export function retryDelay(attempt: number, askedMs = 0, random: () => number = Math.random): number {
  const bound = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt, 20));
  return Math.round(Math.max(bound / 2 + (random() * bound) / 2, askedMs * (1 + random() / 5)));
}

/** `Retry-After` in milliseconds: seconds, or a date by `now`. At most ten minutes: a proxy's clock may be anywhere. */
export function retryAfterMs(value: string | null, now: number): number {
  if (!value) return 0;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 600_000) : 0;
}
