import { parseSearch } from './search-syntax';
import { corrected, isHalfTyped, mistakesIn, timeOf } from './search-terms';

const NOW = Date.parse('2026-03-01T12:00:00Z');

test.each([
  ['severity:urgnt', 'value', 'severity:urgent'],
  ['severity:urgent,hgih', 'value', 'severity:urgent,high'],
  ['-severity:lwo', 'value', '-severity:low'],
  ['is:nonsense', 'value', null],
  ['is:resolvd', 'value', 'is:resolved'],
  ['before:blah', 'time', null],
  ['-is:open', 'exclusion', 'is:open'],
  ['-label.cluster:a', 'exclusion', 'label.cluster:a'],
  ['sevrity:urgent', 'key', 'severity:urgent'],
  ['services:oven', 'key', 'service:oven'],
  ['severity:urgent or service:oven', 'operator', null],
  ['severity:urgent AND flour', 'operator', null],
  ['-"out of stock"', 'exclusion', null],
  ['-flour', 'exclusion', null],
  ['oven -Öl', 'exclusion', null],
  ['-foo:bar', 'exclusion', null],
  ['-label."host:port":a', 'exclusion', 'label."host:port":a'],
  ['severity:urgent -severity:urgent', 'nothing', null],
  ['-severity:urgent severity:urgent', 'nothing', null],
  ['-severity:urgent,high -severity:medium,low', 'nothing', null],
  ['-type:alert,recommendation,notification', 'nothing', null],
])('%s is a mistake (%s), and %s may have been meant', (text, kind, instead) => {
  expect(mistakesIn(text)).toMatchObject([{ kind, instead }]);
});

test.each([
  'severity:urgent,HIGH',
  'foo:bar',
  'db:primary',
  '12:30',
  'http://x',
  'disk or memory',
  '"or" severity:low',
  'or',
  '-5',
  '"-flour"',
  'flour - oven',
  'severity:urgent,high -severity:high',
  'service:oven -service:oven',
  'label.site:""',
  'label."host:port":"a b"',
])('%s is no mistake', (text) => expect(mistakesIn(text)).toEqual([]));

test('a mistake takes no part in the search, and what remains does', () => {
  expect(parseSearch('severity:urgnt flour or service:oven')).toMatchObject({
    severity: [],
    service: ['oven'],
    words: ['flour'],
  });
  expect(parseSearch('foo:bar')).toMatchObject({ words: ['foo:bar'] });
});

test('no word takes part that its author excludes, and no exclusion that would leave nothing', () => {
  expect(parseSearch('oven -"out of stock" -flour -5')).toMatchObject({ words: ['oven', '-5'] });
  expect(parseSearch('severity:urgent -severity:urgent -severity:high')).toMatchObject({
    severity: ['urgent'],
    not: { severity: ['high'] },
  });
  expect(parseSearch('-severity:urgent,high -severity:medium,low')).toMatchObject({
    severity: [],
    not: { severity: ['urgent', 'high'] },
  });
});

test('a mistake is corrected where it stands', () => {
  const text = 'flour severity:urgnt is:open';
  expect(corrected(text, mistakesIn(text)[0]!)).toBe('flour severity:urgent is:open');
  const joined = 'severity:urgent or service:oven';
  expect(corrected(joined, mistakesIn(joined)[0]!)).toBe('severity:urgent service:oven');
});

test.each([
  ['service:', true],
  ['flour -service:', true],
  ['label.', true],
  ['flour label.', true],
  ['-label.', true],
  ['label.cl', true],
  ['label.cluster:', true],
  ['label."host:', true],
  ['label."host:port"', true],
  ['label."host:port":', true],
  ['-sever', true],
  ['-flour', false],
  ['severity:ur', true],
  ['severity:urgent,h', true],
  ['before:2', true],
  ['before:2026-03', true],
  ['service: ', false],
  ['label. ', false],
  ['severity:urgent', false],
  ['severity:urgnt', false],
  ['service:o', false],
  ['before:2h', false],
  ['flour', false],
  ['', false],
])('"%s" is the beginning of a term: %s', (text, expected) => expect(isHalfTyped(text)).toBe(expected));

test('a span and a date are times, other words are not', () => {
  expect(timeOf('2h', NOW)).toBe(NOW - 7_200_000);
  expect(timeOf('2026-03-01', NOW)).toBe(Date.parse('2026-03-01'));
  expect(timeOf('tomorrow', NOW)).toBeNull();
});
