/** Times in milliseconds, to a tenth. */
export interface Times {
  p50: number;
  p95: number;
  p99: number;
  longest: number;
}

/** The percentiles of a list of times; null when there is none. */
export function timesOf(ms: readonly number[]): Times | null {
  if (ms.length === 0) return null;
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.ceil(part * sorted.length) - 1]! * 10) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), longest: at(1) };
}

/** "p50 3.1 ms · p95 8 ms · p99 12.4 ms · longest 14 ms" */
export const inTimes = (times: Times | null): string =>
  times === null
    ? 'none'
    : Object.entries(times)
        .map(([name, ms]) => `${name} ${ms} ms`)
        .join(' · ');
