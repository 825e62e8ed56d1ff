import fc from 'fast-check';
import type { Alert } from '@tocsin/contracts/wire';
import { anEntry } from '../testing/frames';
import { alertAfter } from './alert-from-entry';
import { matcherOf } from './alert-matches';

const anAlert = (words: Partial<Alert>): Alert => ({ ...alertAfter(undefined, anEntry(1, {})), ...words });
const isFound = (q: string, words: Partial<Alert>) => matcherOf({ q }, () => 'ana')(anAlert(words));

test.each([
  ['"oven 2"', 'Oven 2 is cold', true],
  ['"oven 2"', '2 eggs are in the oven', false],
  ['oven 2', '2 eggs are in the oven', true],
  ['cold "OVEN 2"', 'Oven 2 is cold', true],
  ['"oven', 'oven 2', false],
  ['19" rack', 'The rack of 19"', true],
])('the search %s and the title %s: %s', (q, title, expected) => expect(isFound(q, { title })).toBe(expected));

test('an alert matches when its title, message or name contains each word, of which some are several in quotes', () => {
  const text = fc.stringMatching(/^[abAB "]{0,6}$/);
  const word = fc.stringMatching(/^[ab]{1,3}( [ab]{1,2})?$/);
  fc.assert(
    fc.property(text, text, text, fc.array(word, { maxLength: 3 }), (title, message, name, words) => {
      const q = words.map((one) => (one.includes(' ') ? `"${one}"` : one)).join(' ');
      const all = `${title}\n${message}\n${name}`.toLowerCase();
      expect(isFound(q, { title, message, name })).toBe(words.every((one) => all.includes(one)));
    }),
  );
});
