import { performance } from 'node:perf_hooks';

/** The longest that entries of a tenant wait for others. A write to a client costs much, and more bytes in it little. */
const MAX_JOIN_MS = 25;
/** Below the first share of its time the process has enough of it, and nothing waits; at the second, as long as may be. */
const BUSY_FROM = 0.5;
const BUSY_TO = 0.9;
/** Over how long that share is taken. */
const WINDOW_MS = 100;

let measuredAt = -Infinity;
let measured = performance.eventLoopUtilization();
let delayMs = 0;

/** How long the entries of a tenant that has just had some are held back, so that they leave together: 0 while the event loop has time to spare. */
export function joinMs(): number {
  const now = performance.now();
  if (now - measuredAt < WINDOW_MS) return delayMs;
  const current = performance.eventLoopUtilization();
  const busy = performance.eventLoopUtilization(current, measured).utilization;
  // what was measured long ago says nothing of now
  delayMs = now - measuredAt > 10 * WINDOW_MS ? 0 : joinMsAt(busy);
  measuredAt = now;
  measured = current;
  return delayMs;
}

/** The same for a share of the time in which the event loop was busy: 0 to 1. */
export const joinMsAt = (busy: number): number =>
  MAX_JOIN_MS * Math.min(1, Math.max(0, (busy - BUSY_FROM) / (BUSY_TO - BUSY_FROM)));
