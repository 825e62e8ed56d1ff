import { shownText } from './shown-text';

test('letters keep the order in which a service wrote them, and text from right to left stays as it is', () => {
  expect(shownText('invoice \u202egnp.exe\u202c')).toBe('invoice gnp.exe\u202c');
  expect(shownText('\u202dabc')).toBe('abc');
  expect(shownText('מלאי נמוך \u2067abc\u2069')).toBe('מלאי נמוך \u2067abc\u2069');
});
