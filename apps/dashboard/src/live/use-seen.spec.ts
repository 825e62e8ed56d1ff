import { furthest } from './use-seen';

test('a position that was known is never set back', () => {
  const seen = furthest(new Map([['bakery', 100]]), [
    ['bakery', 50],
    ['harbour', 3],
    ['harbour', 2],
  ]);
  expect(Object.fromEntries(seen)).toEqual({ bakery: 100, harbour: 3 });
});
