import { followedOf, inRequests, MOST_TENANTS, tenantsIn } from './scope';

const many = Array.from({ length: 41 }, (_, n) => `t${n}`);

test('an address names tenants once each, and none for all', () => {
  expect(tenantsIn('')).toEqual([]);
  expect(tenantsIn('a,b,,a')).toEqual(['a', 'b']);
});

test('a request names no more tenants than the server takes, and none is left out', () => {
  const parts = inRequests(many);
  expect(parts.map(({ length }) => length)).toEqual([MOST_TENANTS, 41 - MOST_TENANTS]);
  expect(parts.flat()).toEqual(many);
});

test('a stream follows the scope, and else keeps what it follows', () => {
  const first = followedOf(many, [], undefined);
  expect(first).toEqual(many.slice(0, MOST_TENANTS));
  expect(followedOf(many, ['t3'], first)).toEqual(first);
  const further = followedOf(many, ['t40'], first);
  expect(further).toEqual([...many.slice(0, MOST_TENANTS - 1), 't40']);
  expect(followedOf(many, [], further)).toEqual(further);
  expect(followedOf(many, ['not-mine'], first)).toEqual(first);
});
