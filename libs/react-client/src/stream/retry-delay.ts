const FIRST_MS = 1_000;
const CAP_MS = 30_000;
/** In the first minutes of an outage, when the server is most likely to be back any moment, the bound is lower. */
const EARLY_CAP_MS = 5_000;
const EARLY_ATTEMPTS = 30;

/**
 * The delay before an attempt, in milliseconds. `attempt` counts the failures since the stream was last healthy,
 * beginning with 0. The bound grows exponentially from 1 s to 5 s, and after 30 attempts (about two minutes) it is 30
 * s. Half of it is fixed and half is random, so that clients that lost one server do not all come back at once.
 * `askedMs`, the delay that the server asked for, is the minimum, plus up to a fifth.
 */
export function retryDelay(attempt: number, askedMs = 0, random: () => number = Math.random): number {
  const bound = Math.min(attempt < EARLY_ATTEMPTS ? EARLY_CAP_MS : CAP_MS, FIRST_MS * 2 ** Math.min(attempt, 20));
  return Math.round(Math.max(bound / 2 + (random() * bound) / 2, askedMs * (1 + random() / 5)));
}

/**
 * `Retry-After` in milliseconds; the header holds seconds, or a date that is compared with `now`. At most ten minutes,
 * because a proxy's clock may be wrong.
 */
export function retryAfterMs(value: string | null, now: number): number {
  if (!value) return 0;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 600_000) : 0;
}
