import { performance } from 'node:perf_hooks';

/**
 * The longest time for which entries of a tenant wait to be joined with others. A write to a client costs much; more
 * bytes in the same write cost little.
 */
const MAX_JOIN_MS = 25;
/**
 * The shares of time for which the event loop is busy. Below the first nothing waits; from the second on entries wait
 * for the longest time.
 */
const BUSY_FROM = 0.5;
const BUSY_TO = 0.9;
/** The interval over which that share is measured. */
const WINDOW_MS = 100;

let measuredAt = -Infinity;
let measured = performance.eventLoopUtilization();
let delayMs = 0;

/**
 * How long new entries of a tenant that has just sent some wait, so that they are written together; in milliseconds. 0
 * while the event loop has time to spare.
 */
export function joinMs(): number {
  const now = performance.now();
  if (now - measuredAt < WINDOW_MS) return delayMs;
  const current = performance.eventLoopUtilization();
  const busy = performance.eventLoopUtilization(current, measured).utilization;
  // An old measurement says nothing about the present load.
  delayMs = now - measuredAt > 10 * WINDOW_MS ? 0 : joinMsAt(busy);
  measuredAt = now;
  measured = current;
  return delayMs;
}

/** The delay, in milliseconds, for a share of time (0 to 1) in which the event loop was busy. */
export const joinMsAt = (busy: number): number =>
  MAX_JOIN_MS * Math.min(1, Math.max(0, (busy - BUSY_FROM) / (BUSY_TO - BUSY_FROM)));
