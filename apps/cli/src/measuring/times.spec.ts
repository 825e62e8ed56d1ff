import { inTimes, timesOf } from './times';

it('takes the percentiles by rank, in any order of the times', () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect(timesOf(hundred)).toEqual({ p50: 50, p95: 95, p99: 99, longest: 100 });
  expect(timesOf([3.14159])).toEqual({ p50: 3.1, p95: 3.1, p99: 3.1, longest: 3.1 });
  expect(timesOf([])).toBeNull();
});

it('shows them in a line', () => {
  expect(inTimes(timesOf([1, 2]))).toBe('p50 1 ms · p95 2 ms · p99 2 ms · longest 2 ms');
  expect(inTimes(null)).toBe('none');
});
