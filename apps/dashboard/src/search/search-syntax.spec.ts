import fc from 'fast-check';
import { filterOf, formatSearch, parseSearch, toggled } from './search-syntax';

const NOW = Date.parse('2026-03-01T12:00:00Z');

test('keys, lists, labels, states, spans, exclusions and words are told apart', () => {
  expect(
    parseSearch(
      'severity:urgent,HIGH service:inventory label.cluster:a is:open before:2h -type:recommendation flour "2 kg"',
    ),
  ).toMatchObject({
    severity: ['urgent', 'high'],
    service: ['inventory'],
    labels: { cluster: 'a' },
    status: ['firing', 'acknowledged', 'snoozed'],
    before: '2h',
    not: { type: ['recommendation'] },
    words: ['flour', '2 kg'],
  });
});

test.each([
  'severity:nonsense',
  'before:soon',
  'what:ever',
  '-is:open',
  'http://x',
  '12:30',
  '"',
  'label.:a',
  'service:',
])('%s is no error, and no filter', (text) => {
  const { words: _, ...rest } = parseSearch(text);
  const { words: __, ...none } = parseSearch('');
  expect(rest).toEqual(none);
});

test('a search that is formatted and parsed again is the same search', () => {
  const value = fc
    .string({ minLength: 1, maxLength: 12 })
    .filter((text) => !text.includes(',') && text.trim() === text && !/[\\]/.test(text));
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          value,
          value.map((one) => `service:${one}`),
          fc.constantFrom('is:open', 'severity:low', '-tenant:b', 'label.a:"b c"', 'after:3d', 'or', 'severty:low'),
        ),
      ),
      (terms) => {
        const search = parseSearch(terms.join(' '));
        expect(parseSearch(formatSearch(search))).toEqual(search);
      },
    ),
  );
});

test('a facet is chosen, excluded and cleared', () => {
  const chosen = toggled('flour', 'severity', 'urgent');
  expect(parseSearch(chosen)).toMatchObject({ severity: ['urgent'], words: ['flour'] });
  expect(parseSearch(toggled(chosen, 'severity', 'urgent'))).toMatchObject({ severity: [] });
  expect(parseSearch(toggled(chosen, 'severity', 'urgent', true))).toMatchObject({
    severity: [],
    not: { severity: ['urgent'] },
  });
});

test('a search becomes the filter of the API', () => {
  expect(filterOf(parseSearch('-severity:low before:1h assignee:me flour kg label.cluster:a'), NOW)).toEqual({
    severity: ['urgent', 'high', 'medium'],
    assignee: ['me'],
    labels: { cluster: 'a' },
    to: '2026-03-01T11:00:00.000Z',
    q: 'flour kg',
  });
  expect(filterOf(parseSearch('service:oven -service:till,stock -tenant:cafe -severity:low,medium'), NOW)).toEqual({
    severity: ['urgent', 'high'],
    service: ['oven'],
    not_service: ['till', 'stock'],
    not_tenant: ['cafe'],
  });
});
