/** The periods that the chart can show, each in 60 buckets. */
export const SPANS = ['hour', 'day', 'week'] as const;
export type Span = (typeof SPANS)[number];
export const SPAN_MS: Record<Span, number> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };
export const BUCKETS = 60;
