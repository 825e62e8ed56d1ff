import { stacked } from './stacked';

test('each severity is stacked on the more severe ones, and an empty bucket draws nothing', () => {
  const open = { severity: { urgent: 0, high: 0, medium: 0, low: 0 }, status: {} };
  const at = '1970-01-01T00:01:00.000Z';
  const timeline = [
    { at, urgent: 1, high: 2, medium: 0, low: 4 },
    { at, urgent: 0, high: 0, medium: 3, low: 0 },
  ];
  expect(stacked({ open, timeline, bucket_seconds: 60, cursor: '', complete: true })).toEqual([
    [60, 60],
    [7, 3],
    [3, 3],
    [3, null],
    [1, null],
  ]);
});
