import { partsOf, safeUrl } from './linked-text';

test.each(['https://example.test/a?b=c#d', 'http://10.0.0.1:8080/'])('%s may be followed', (url) =>
  expect(safeUrl(url)).toBe(url),
);
test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  ' java\nscript:alert(1)',
  'vbscript:x',
  'file:///etc/passwd',
  '//example.test',
  'mailto:a@b',
  '',
])('%j may not', (url) => expect(safeUrl(url)).toBeNull());

test('addresses are found in a text, and the text stays complete', () => {
  const text = 'See https://a.test/x (or http://b.test). <img src=x onerror=alert(1)> javascript:alert(1)';
  const parts = partsOf(text);
  expect(parts.filter(({ href }) => href).map(({ href }) => href)).toEqual(['https://a.test/x', 'http://b.test/']);
  expect(parts.map((part) => part.text).join('')).toBe(text);
});
