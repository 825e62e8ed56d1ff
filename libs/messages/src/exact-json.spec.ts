import fc from 'fast-check';
import { parseExactly, TooManyLongNumbers } from './exact-json';

it.each([
  // what a double holds stays a number
  ['0', 0],
  ['42', 42],
  ['-7', -7],
  ['0.1', 0.1],
  ['41.2', 41.2],
  ['1.0', 1],
  ['1.50', 1.5],
  ['-0', -0],
  ['1e3', 1000],
  ['1E-7', 1e-7],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['-9007199254740991', Number.MIN_SAFE_INTEGER],
  ['0.1234567890123456', 0.123_456_789_012_345_6],
  ['1e21', 1e21],
  ['1e300', 1e300],
  ['5e-324', 5e-324],
  ['1767323045.678901', 1_767_323_045.678_901],
  ['100000000000000.0', 1e14],
  ['0.0000000000000000001', 1e-19],
  // what it does not is text
  ['653247040368672768', '653247040368672768'],
  ['653247040368672771', '653247040368672771'],
  ['9007199254740993', '9007199254740993'],
  ['9007199254740992', '9007199254740992'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['18446744073709551615', '18446744073709551615'],
  ['0.12345678901234567890', '0.12345678901234567890'],
  ['1767323045.123456789012', '1767323045.123456789012'],
  ['1e400', '1e400'],
  ['-1e999', '-1e999'],
  ['1e-400', '1e-400'],
  ['123456789012345678901e2', '123456789012345678901e2'],
  ['9007199254740993.0', '9007199254740993.0'],
  [`1${'0'.repeat(5_000)}1`, `1${'0'.repeat(5_000)}1`],
])('%s is %j, wherever it stands', (text, value) => {
  expect(parseExactly(text)).toBe(value);
  expect(parseExactly(`{"a":${text},"b":[${text} , ${text}],"c":{"d":\n${text}}}`)).toEqual({
    a: value,
    b: [value, value],
    c: { d: value },
  });
});

it.each([
  '653247040368672771',
  '"653247040368672771"',
  'a\\"653247040368672771',
  '\\',
  '\\\\"',
  '1e400',
  ':653247040368672771,',
  '\u2028653247040368672771',
])('text that holds digits stays as it is: %j', (text) => {
  const value = { [text]: text, n: 1, list: [text, 0.5, text] };
  expect(parseExactly(JSON.stringify(value))).toEqual(value);
  expect(parseExactly(JSON.stringify({ ...value, big: '#' }).replace('"#"', '653247040368672771'))).toEqual({
    ...value,
    big: '653247040368672771',
  });
});

it('gives what JSON.parse gives of any value that JavaScript has written, but for whole numbers that are not safe', () => {
  const digits = fc.oneof(
    fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
    fc.stringMatching(/^[0-9eE.+"\\-]{1,30}$/),
  );
  fc.assert(
    fc.property(fc.jsonValue(), digits, fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }), (value, text, big) => {
      const whole = { value, [text]: [text, value] };
      const safe = JSON.stringify(whole, (_, one: unknown) =>
        typeof one === 'number' && Number.isInteger(one) && !Number.isSafeInteger(one) ? 0 : one,
      );
      expect(parseExactly(safe)).toEqual(JSON.parse(safe));
      expect(parseExactly(`[${safe},${big},${safe}]`)).toEqual([JSON.parse(safe), String(big), JSON.parse(safe)]);
    }),
    { numRuns: 500 },
  );
});

it('refuses what is no JSON, as JSON.parse does', () => {
  for (const text of ['', '{', '653247040368672771 1', '[653247040368672771', '{"a":01}', '1e', '"\\u12'])
    expect(() => parseExactly(text)).toThrow(SyntaxError);
});

it('a key called __proto__ is a key', () => {
  expect(Object.keys(parseExactly('{"__proto__":{"n":653247040368672771}}') as object)).toEqual(['__proto__']);
});

it('reads no more of them than a message can hold, and a long one as quickly as any', () => {
  expect(parseExactly(`[${'1e999,'.repeat(19_999)}1e999]`)).toHaveLength(20_000);
  expect(() => parseExactly(`[${'1e999,'.repeat(20_000)}1e999]`)).toThrow(TooManyLongNumbers);
  const long = '1'.repeat(4_000_000);
  expect(parseExactly(long)).toBe(long);
});
