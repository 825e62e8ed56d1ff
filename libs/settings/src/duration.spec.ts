import { duration } from './duration';

test.each([
  ['500ms', 500],
  ['15s', 15_000],
  ['2m', 120_000],
  ['1.5h', 5_400_000],
  ['1d', 86_400_000],
  [' 2 m ', 120_000],
  ['120000', 120_000],
  ['0', 0],
])('"%s" is %d milliseconds', (text, value) => {
  expect(duration().parse(text)).toBe(value);
});

test('a number without a unit is of the unit of the setting, and so is the value', () => {
  const seconds = duration({ unit: 's' });
  expect(['10', '10s', '2m', '500ms'].map((text) => seconds.parse(text))).toEqual([10, 10, 120, 0.5]);
});

test.each(['soon', '', '2w', '1h30m', '-1s', '1e3', 'Infinity', '0x10', '30d'])('"%s" is refused', (text) => {
  expect(duration().safeParse(text).success).toBe(false);
});

test('bounds are those of the setting, and are said in its unit', () => {
  const schema = duration({ least: 1_000, most: 55_000 });
  expect(schema.parse('55s')).toBe(55_000);
  expect(schema.safeParse('999ms').error?.issues[0]?.message).toBe('must be at least 1000 ms');
  expect(schema.safeParse('1m').error?.issues[0]?.message).toBe('must be at most 55000 ms');
});

test('a default is the value itself', () => {
  expect(duration().default(120_000).parse(undefined)).toBe(120_000);
});
