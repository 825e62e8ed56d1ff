import { RecentSamples } from './recent-samples';

test('without a sample in the window nothing is known, which is not 0', () => {
  const samples = new RecentSamples(1_000, 10);
  expect(samples.percentiles(0)).toBeNull();
  samples.add(0, 0);
  expect(samples.percentiles(1_000)).toEqual({ samples: 1, p50: 0, p99: 0 });
  expect(samples.percentiles(1_001)).toBeNull();
});

test('gives the sample that half of all, and 99 of 100, do not exceed, in whatever order they came', () => {
  const samples = new RecentSamples(1_000, 500);
  // each of 1 to 200 once: 37 has no factor in common with 200
  for (let n = 0; n < 200; n++) samples.add(((n * 37) % 200) + 1, n);
  const sorted = Array.from({ length: 200 }, (_, n) => n + 1);
  const truth = (share: number) => sorted.find((one) => sorted.filter((other) => other <= one).length >= share * 200);
  expect([truth(0.5), truth(0.99)]).toEqual([100, 198]);
  expect(samples.percentiles(200)).toEqual({ samples: 200, p50: truth(0.5), p99: truth(0.99) });
});

test('only what the window and the ring hold counts, the newest first', () => {
  const samples = new RecentSamples(1_000, 3);
  for (const [value, now] of [
    [900, 0],
    [5, 10],
    [7, 600],
    [6, 1_005],
  ] as const)
    samples.add(value, now);
  expect(samples.percentiles(1_010)).toEqual({ samples: 3, p50: 6, p99: 7 });
  expect(samples.percentiles(1_011)).toEqual({ samples: 2, p50: 6, p99: 7 });
});
