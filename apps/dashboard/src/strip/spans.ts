/** The periods that the chart can show, each in 60 buckets of whole minutes. */
export const SPANS = ['hour', 'day', 'week'] as const;
export type Span = (typeof SPANS)[number];
const MINUTE_MS = 60_000;
const BUCKET_MS: Record<Span, number> = { hour: MINUTE_MS, day: 24 * MINUTE_MS, week: 168 * MINUTE_MS };
const BUCKETS = 60;

/**
 * The period of the chart at a time, with the present bucket as the last one. Buckets begin at the same times in each
 * chart of a span: else a bar would grow, shrink or split while nothing happens, as the chart moves on.
 */
export function chartAt(span: Span, now: number): { from: string; to: string; buckets: number } {
  const to = (Math.floor(now / BUCKET_MS[span]) + 1) * BUCKET_MS[span];
  return {
    from: new Date(to - BUCKETS * BUCKET_MS[span]).toISOString(),
    to: new Date(to).toISOString(),
    buckets: BUCKETS,
  };
}
