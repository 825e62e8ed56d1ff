import { SEVERITIES, type AlertStats } from '@tocsin/contracts/wire';

/**
 * The columns of the chart: times in seconds, then for each severity, the lowest first, the number of alerts with this
 * or a higher severity. Bars that are drawn over each other in this order look stacked. An empty bucket draws nothing.
 */
export function stacked({ timeline }: AlertStats): [number[], ...(number | null)[][]] {
  const sums = SEVERITIES.map((_, last) =>
    timeline.map(
      (bucket) => SEVERITIES.slice(0, last + 1).reduce((sum, severity) => sum + bucket[severity], 0) || null,
    ),
  );
  return [timeline.map(({ at }) => Date.parse(at) / 1_000), ...sums.reverse()];
}
