import fc from 'fast-check';
import { asJsonLine, jsonLine } from './json-line';

/** Every character that Python's str.splitlines ends a line at. JSON escapes those below U+0020 by itself. */
const LINE_ENDS = /[\n\v\f\r\x1c-\x1e\u0085\u2028\u2029]/; // eslint-disable-line no-control-regex -- these are what is looked for

it.each(['\u0085', '\u2028', '\u2029', '\n', '\r', '\v', '\f', '\x1c', '\x1d', '\x1e'])(
  '%j ends no line, in a value or in a name',
  (character) => {
    const value = { [`a${character}b`]: [`x${character}${character}`, `日本語${character}`, 'é'] };
    const line = jsonLine(value);
    expect(line).not.toMatch(LINE_ENDS);
    expect(JSON.parse(line)).toEqual(value);
  },
);

it('text without any of them is what JSON.stringify makes, escapes of the same characters included', () => {
  for (const value of [
    'plain',
    'é日本語🔔',
    '\\u2028',
    '\u00c2\u2027\u202a\u0084\u0086',
    { nested: [null, 1.5, true] },
  ])
    expect(jsonLine(value)).toBe(JSON.stringify(value));
});

it('JSON of an older program is escaped, and JSON that needs no escape stays the same object', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'é', '日', '🔔', '\\', '"', '\u0085', '\u2028', '\u2029', '\n'),
  });
  fc.assert(
    fc.property(text, (value) => {
      const right = jsonLine({ value });
      expect(asJsonLine(Buffer.from(JSON.stringify({ value }))).toString()).toBe(right);
      const bytes = Buffer.from(right);
      expect(asJsonLine(bytes)).toBe(bytes);
    }),
  );
});
