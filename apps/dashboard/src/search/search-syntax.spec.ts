import fc from 'fast-check';
import { filterOf, formatSearch, parseSearch, toggled } from './search-syntax';

const NOW = Date.parse('2026-03-01T12:00:00Z');

test.each([
  ['19" rack', ['19"', 'rack']],
  ['5" pipe 3" valve', ['5"', 'pipe', '3"', 'valve']],
  ['"oven 2" 19"', ['oven 2', '19"']],
])('a quote within a word is a letter: %s', (text, words) => {
  expect(parseSearch(text).words).toEqual(words);
  expect(parseSearch(formatSearch(parseSearch(text)))).toEqual(parseSearch(text));
});

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

const searches = fc
  .array(
    fc.oneof(
      fc
        .string({ minLength: 1, maxLength: 12 })
        .filter((text) => !text.includes(',') && text.trim() === text && !/[\\]/.test(text))
        .chain((one) => fc.constantFrom(one, `service:${one}`)),
      fc.constantFrom('is:open', 'severity:low', '-tenant:b', 'label.a:"b c"', 'after:3d', 'or', 'severty:low'),
    ),
  )
  .map((terms) => parseSearch(terms.join(' ')));
/** Whatever a service may send, and what the language of the search could take for its own. */
const anything = (minLength: number) =>
  fc.oneof(
    fc.string({ minLength, maxLength: 12, unit: 'binary' }),
    fc.constantFrom(
      'host:port',
      '"',
      '\\',
      '\\"',
      'a\\',
      ' ',
      '-a',
      '-"',
      'or',
      'is:open',
      'label.a',
      'label."a',
      '__proto__',
    ),
  );

test('a search that is formatted and parsed again is the same search, whatever its words and labels are', () => {
  fc.assert(
    fc.property(
      searches,
      fc.dictionary(anything(1), fc.oneof(fc.constant(''), anything(0)), { maxKeys: 3 }),
      fc.array(anything(1), { maxLength: 3 }),
      (parsed, labels, words) => {
        const search = { ...parsed, labels: { ...parsed.labels, ...labels }, words: [...parsed.words, ...words] };
        expect(Object.entries(parseSearch(formatSearch(search)).labels).sort()).toEqual(
          Object.entries(search.labels).sort(),
        );
        expect(parseSearch(formatSearch(search))).toEqual(search);
      },
    ),
  );
});

test('a label with any key and an empty value is found by what is written for it', () => {
  const labels = { 'host:port': 'a', zone: '' };
  const text = formatSearch({ ...parseSearch('flour'), labels });
  expect(text).toBe('label."host:port":a label.zone:"" flour');
  expect(filterOf(parseSearch(text), NOW)).toEqual({ labels, q: 'flour' });
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

test('words that are together in quotes stay so in the filter of the API', () => {
  expect(filterOf(parseSearch('cold "oven 2"'), NOW)).toEqual({ q: 'cold "oven 2"' });
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
