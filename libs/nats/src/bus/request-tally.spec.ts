import { RequestTally } from './request-tally';

const MINUTE_MS = 60_000;

it('a window begins with the first request of its key and ends a minute later', () => {
  const tally = new RequestTally();
  expect(tally.take({ key: 'ana' }, 1_000)).toEqual({ count: 1, resetMs: MINUTE_MS });
  expect(tally.take({ key: 'ben' }, 31_000)).toEqual({ count: 1, resetMs: MINUTE_MS });
  expect(tally.take({ key: 'ana' }, 60_999)).toEqual({ count: 2, resetMs: 1 });
  expect(tally.take({ key: 'ana' }, 61_000)).toEqual({ count: 1, resetMs: MINUTE_MS });
  expect(tally.take({ key: 'ben' }, 90_000)).toEqual({ count: 2, resetMs: 1_000 });
});

it('beyond the bound the oldest window is forgotten', () => {
  const tally = new RequestTally(2);
  for (const key of ['a', 'b', 'c', 'd']) tally.take({ key }, 0);
  expect(tally.take({ key: 'd' }, 1).count).toBe(2);
  expect(tally.take({ key: 'a' }, 2).count).toBe(1);
});

it('is empty after a reset', () => {
  const tally = new RequestTally();
  tally.take({ key: 'ana' }, 0);
  tally.reset();
  expect(tally.take({ key: 'ana' }, 1).count).toBe(1);
});
