import { chartAt, SPANS } from './spans';

test.each(SPANS)(
  'the buckets of a chart (%s) begin at whole minutes, and at the same times whenever it is made',
  (span) => {
    const now = Date.UTC(2026, 0, 1, 3, 41, 27, 350);
    const { from, to, buckets } = chartAt(span, now);
    const bucketMs = (Date.parse(to) - Date.parse(from)) / buckets;
    expect(bucketMs % 60_000).toBe(0);
    for (let second = 0; second < 600; second += 1) {
      const later = chartAt(span, now + second * 1_000);
      expect((Date.parse(later.from) - Date.parse(from)) % bucketMs).toBe(0);
      expect(Date.parse(later.to)).toBeGreaterThan(now + second * 1_000);
      expect(Date.parse(later.to) - bucketMs).toBeLessThanOrEqual(now + second * 1_000);
    }
  },
);
