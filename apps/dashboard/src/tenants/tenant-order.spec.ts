import { countText, isNamed, openText, worstFirst, worstOf, type CountedTenant } from './tenant-order';

const counted = (urgent: number, high = 0, low = 0): CountedTenant => ({
  open: { urgent, high, medium: 0, low },
  snoozed: 0,
  timeline: [],
  at_most: 1_000,
});
const named = (tenant_id: string, name = tenant_id) => ({ tenant_id, name });
const format = (n: number) => n.toLocaleString('en');

test('tenants stand by their worst open alert, then by how many, and those that are not known last', () => {
  const numbers = new Map([
    ['calm', counted(0)],
    ['low', counted(0, 0, 900)],
    ['one', counted(1, 50)],
    ['two', counted(2)],
  ]);
  const all = [named('unknown'), named('calm'), named('low'), named('one'), named('two')];
  expect(worstFirst(all, numbers).map(({ tenant_id }) => tenant_id)).toEqual(['two', 'one', 'low', 'calm', 'unknown']);
});

test('not known is no number, and a number that was cut says so', () => {
  expect([openText(undefined, format), worstOf(undefined)]).toEqual(['–', undefined]);
  expect([openText(counted(0), format), worstOf(counted(0))]).toEqual(['0', null]);
  expect(openText(counted(1_000, 2), format)).toBe('1,002+');
  expect([countText(undefined, undefined, format), countText(3, 1_000, format)]).toEqual(['–', '3']);
  expect(countText(1_000, 1_000, format)).toBe('1,000+');
});

test('a tenant is found by any part of its name or id, without accents', () => {
  expect(isNamed(named('t7', 'Café Central'), 'CAFE')).toBe(true);
  expect(isNamed(named('t7', 'Café Central'), 'entral')).toBe(true);
  expect(isNamed(named('t7', 'Café Central'), 't7')).toBe(true);
  expect(isNamed(named('t7', 'Café Central'), 'bakery')).toBe(false);
});
