import { retryDelay } from './retry-delay';

const longest = (attempt: number) => retryDelay(attempt, 0, () => 1);

test('a client tries again within five seconds in the first two minutes of an outage, and then within thirty', () => {
  expect([0, 1, 2, 3, 29].map(longest)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  expect([30, 1_000].map(longest)).toEqual([30_000, 30_000]);
  expect(retryDelay(3, 0, () => 0)).toBe(2_500);
});

test('a client never tries again before the server asks it to', () => {
  expect(retryDelay(0, 20_000, () => 0)).toBe(20_000);
  expect(retryDelay(0, 20_000, () => 1)).toBe(24_000);
});
