import { moved } from './place';

const ADDRESS = new URLSearchParams('view=all&q=flour&order=oldest&group=name&tenant=far');

test.each([
  ['q', 'open'],
  ['q', 'newest'],
  ['q', 'none'],
  ['tenant', 'open'],
  ['alert', 'none'],
] as const)('%s can be %s, which is the default of another part of the place', (key, value) =>
  expect(moved(ADDRESS, { [key]: value }).get(key)).toBe(value),
);

test('what is the default of its own key is left out, and so is what is empty', () => {
  const next = moved(ADDRESS, { view: 'open', q: '', order: 'newest', group: 'none', tenant: '', alert: null });
  expect(next.toString()).toBe('');
});

test('what is shown of the system is the view of the address, and what the change does not name stays', () => {
  expect(moved(ADDRESS, { system: 'health' }).toString()).toBe(
    'view=health&q=flour&order=oldest&group=name&tenant=far',
  );
  expect(moved(new URLSearchParams('view=health'), { system: null }).toString()).toBe('');
});
