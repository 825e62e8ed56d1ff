import { fullJitter } from './back-off';

describe('the wait before another attempt', () => {
  const waits = (attempt: number) =>
    Array.from({ length: 500 }, () => fullJitter(attempt, { firstMs: 200, capMs: 5_000, floorMs: 20 }));

  it('lies anywhere between the floor and a bound that doubles', () => {
    for (const [attempt, bound] of [
      [0, 200],
      [1, 400],
      [3, 1_600],
    ] as const) {
      expect(Math.min(...waits(attempt))).toBeGreaterThanOrEqual(20);
      expect(Math.max(...waits(attempt))).toBeLessThanOrEqual(bound);
      expect(Math.max(...waits(attempt))).toBeGreaterThan(bound / 2);
      expect(Math.min(...waits(attempt))).toBeLessThan(bound / 2);
    }
  });

  it('never exceeds the cap, however often it failed', () => {
    expect(Math.max(...waits(10_000))).toBeLessThanOrEqual(5_000);
  });
});
