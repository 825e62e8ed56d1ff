import fc from 'fast-check';
import { SEVERITIES } from '@tocsin/contracts';
import { digestOf, formatPlace, parsePlace } from './page-cursor';

const places = fc.record({
  severity: fc.constantFrom(...SEVERITIES),
  first_seen_at: fc
    .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  alert_id: fc.uuid(),
});
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const ID = '018f0000-0000-7000-8000-000000000000';

it('a place that is formatted is parsed again, in characters that an address takes as they are', () => {
  fc.assert(
    fc.property(places, (place) => {
      const text = formatPlace(place, digestOf('a'));
      expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(parsePlace(text, digestOf('a'), 'newest')).toEqual(place);
      expect(() => parsePlace(text, digestOf('b'), 'newest')).toThrow(
        expect.objectContaining({ code: 'invalid_cursor' }),
      );
    }),
  );
});

it('a place in the order of resolving is the time of resolving', () => {
  fc.assert(
    fc.property(places, places, (place, { first_seen_at: resolved_at }) => {
      const text = formatPlace({ ...place, resolved_at }, digestOf('a'));
      expect(parsePlace(text, digestOf('a'), 'resolved')).toMatchObject({
        ...place,
        first_seen_at: resolved_at,
        resolved_at,
      });
    }),
  );
});

it.each([
  '',
  'x',
  'W10',
  '%',
  'a'.repeat(300),
  encoded({}),
  encoded(['d', 0, 1]),
  encoded(['d', 4, 1, ID]),
  encoded(['d', 0.5, 1, ID]),
  encoded(['d', '0', 1, ID]),
  encoded(['d', 0, -1, ID]),
  encoded(['d', 0, 1.5, ID]),
  encoded(['d', 0, 9e15, ID]),
  encoded(['d', 0, 1, 'id']),
  encoded(['d', 0, 1, `${ID}x`]),
  encoded([1, 0, 1, ID]),
  encoded(['d', 0, 1, ID, 1]),
])('%s is no place', (text) =>
  expect(() => parsePlace(text, 'd', 'newest')).toThrow(expect.objectContaining({ code: 'invalid_cursor' })),
);

it('any text is either a place or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => Buffer.from(json).toString('base64url')),
      ),
      (text) => {
        expect(() => parsePlace(text, 'd', 'newest')).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
      },
    ),
  );
});
